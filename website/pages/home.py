"""The home page."""

import asyncio

from aiohttp import web

from website.http.page_request import Page, PageRequest

NEWEST = 6


async def show_home(request: PageRequest) -> web.StreamResponse:
    """Shows an introduction, the categories and the newest services."""
    categories, newest = await asyncio.gather(
        request.api.categories(), request.api.search_services(limit=NEWEST)
    )
    return await request.render("home.html", categories=categories, services=newest["data"])


PAGES = (Page("GET", "/", show_home),)
