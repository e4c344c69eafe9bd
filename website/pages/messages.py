"""The inbox."""

from aiohttp import web
from yarl import URL

from website.http.page_request import Page, Visit, Who

PER_PAGE = 30


async def show_messages(visit: Visit) -> web.StreamResponse:
    """Each order's conversation with its last message, the newest first."""
    threads = await visit.api.threads(limit=PER_PAGE, cursor=visit.request.query.get("cursor"))
    following = threads["page"]["next_cursor"]
    return await visit.show(
        "messages.html",
        threads=threads["data"],
        is_first="cursor" not in visit.request.query,
        next_page=str(URL("/messages").with_query(cursor=following)) if following else None,
    )


PAGES = (Page("GET", "/messages", show_messages, Who.SIGNED_IN),)
