"""The inbox."""

from aiohttp import web
from yarl import URL

from website.http.page_request import Access, Page, PageRequest

PER_PAGE = 30


async def show_messages(request: PageRequest) -> web.StreamResponse:
    """Shows the threads of all orders with their last messages, the newest first."""
    threads = await request.api.threads(limit=PER_PAGE, cursor=request.query.get("cursor"))
    following = threads["page"]["next_cursor"]
    return await request.render(
        "messages.html",
        threads=threads["data"],
        is_first="cursor" not in request.query,
        next_page=str(URL("/messages").with_query(cursor=following)) if following else None,
    )


PAGES = (Page("GET", "/messages", show_messages, Access.SIGNED_IN),)
