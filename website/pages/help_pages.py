"""The help page."""

from aiohttp import web

from website.http.page_request import Page, PageRequest


async def show_help(request: PageRequest) -> web.StreamResponse:
    """Shows the help articles of the API."""
    return await request.render("help.html", groups=await request.api.help())


PAGES = (Page("GET", "/help", show_help),)
