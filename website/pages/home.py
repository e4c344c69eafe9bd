"""The first page."""

import asyncio

from aiohttp import web

from website.http.page_request import Page, Visit

NEWEST = 6


async def show_home(visit: Visit) -> web.StreamResponse:
    """What this place is, its categories and its newest services."""
    categories, newest = await asyncio.gather(visit.api.categories(), visit.api.search_services(limit=NEWEST))
    return await visit.show("home.html", categories=categories, services=newest["data"])


PAGES = (Page("GET", "/", show_home),)
