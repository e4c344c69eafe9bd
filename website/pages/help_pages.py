"""Help, in four groups."""

from aiohttp import web

from website.http.page_request import Page, Visit


async def show_help(visit: Visit) -> web.StreamResponse:
    """All questions and answers, as the API tells them."""
    return await visit.show("help.html", groups=await visit.api.help())


PAGES = (Page("GET", "/help", show_help),)
