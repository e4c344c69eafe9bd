"""Help, in four groups."""

from aiohttp import web

from website.http.page_request import Page, PageRequest


async def show_help(request: PageRequest) -> web.StreamResponse:
    """All questions and answers, as the API tells them."""
    return await request.render("help.html", groups=await request.api.help())


PAGES = (Page("GET", "/help", show_help),)
