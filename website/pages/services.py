"""Finding services, and looking at one."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from client import Problem
from client.resources import Listing, Profile, Service
from kit.money import format_money
from kit.text import isolated
from kit.translations import gettext
from website.forms import money
from website.forms.search import RATINGS, SearchFilters, read_search
from website.http.page_request import Page, PageRequest
from website.views.labels import category_name

PER_PAGE = 24
REVIEWS_SHOWN = 5


async def browse_services(request: PageRequest) -> web.StreamResponse:
    """Active services that fit what the visitor asks for."""
    wish = read_search(request.query)
    found, categories = await asyncio.gather(_search(request, wish), request.api.categories())
    names = {category["id"]: category["name"] for category in categories}
    return await request.render(
        "services.html",
        asked=wish.typed,
        complaints=wish.complaints,
        services=found["data"],
        next_page=address(request, cursor=found["page"]["next_cursor"])
        if found["page"]["has_more"]
        else None,
        is_first="cursor" not in wish.filters,
        first_page=address(request, cursor=None),
        categories=categories,
        names=names,
        chips=_chips(request, wish, names, found["data"]),
        sorts=wish.sorts,
        ratings=RATINGS,
        currencies=_currencies(wish.typed["currency"]),
    )


async def _search(request: PageRequest, wish: SearchFilters) -> Listing[Service]:
    """What was found; what the API cannot use, a cursor of yesterday's link for example, is left out."""
    if cursor := request.query.get("cursor"):
        wish.filters["cursor"] = cursor
    try:
        return await request.api.search_services(limit=PER_PAGE, **wish.filters)
    except Problem as problem:
        if problem.status != 400:
            raise
        wish.leave_out(problem)
        return await request.api.search_services(limit=PER_PAGE, **wish.filters)


def _currencies(chosen: str) -> tuple[str, ...]:
    usual = money.USUAL_CURRENCIES
    return usual if chosen in usual or chosen not in money.CURRENCIES else (*usual, chosen)


def _by(service: Service) -> str:
    return gettext("By {name}").format(name=isolated(service["provider"]["display_name"]))


def _chips(
    request: PageRequest, wish: SearchFilters, names: Mapping[str, str], found: list[Service]
) -> list[tuple[str, str]]:
    """What narrows the list, each with the address of the list without it."""
    filters = wish.filters

    def price(name: str) -> str:
        return format_money({"amount": filters[name], "currency": filters["currency"]}, request.locale)

    def category() -> str:
        if (known := names.get(filters["category"])) is not None:
            return category_name(filters["category"], known)
        return gettext("Category “{name}”").format(name=filters["category"])

    texts: dict[str, Callable[[], str]] = {
        "q": lambda: f"“{filters['q']}”",
        "category": category,
        "provider_id": lambda: _by(found[0]) if found else gettext("One provider"),
        "min_price": lambda: gettext("From {price}").format(price=price("min_price")),
        "max_price": lambda: gettext("Up to {price}").format(price=price("max_price")),
        "currency": lambda: filters["currency"],
        "min_rating": lambda: gettext("{stars} stars or better").format(stars=wish.typed["min_rating"]),
    }
    return [(text(), _without(request, name)) for name, text in texts.items() if name in filters]


def _without(request: PageRequest, name: str) -> str:
    """The list without a filter, and without what makes no sense when it is gone."""
    gone = {"currency": ("currency", "min_price", "max_price", "sort"), "q": ("q", "sort")}.get(name, (name,))
    if name == "q" and request.query.get("sort") != "relevance":
        gone = ("q",)
    return address(request, cursor=None, **dict.fromkeys(gone))


def address(request: PageRequest, **changes: str | None) -> str:
    """This page's address with some parts of its query changed, or taken away (None)."""
    query = {name: value for name, value in request.query.items() if value}
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return str(URL(request.raw.path).with_query(query))


async def show_service(request: PageRequest) -> web.StreamResponse:
    """One service, its provider and what was said of it."""
    service_id = request.path_id("service_id")
    service, rating, categories = await asyncio.gather(
        request.api.service(service_id), request.api.service_rating(service_id), request.api.categories()
    )
    provider_id = service["provider"]["id"]
    # Only the service says whose profile and reviews these are, so they are asked for after it.
    profile, reviews = await asyncio.gather(
        _profile(request, provider_id),
        request.api.profile_reviews(provider_id, service_id=service["id"], limit=REVIEWS_SHOWN),
    )
    return await request.render(
        "service.html",
        service=service,
        profile=profile,
        rating=rating,
        reviews=reviews["data"],
        has_more_reviews=reviews["page"]["has_more"],
        stars=star_shares(rating["stars"]),
        category=next((c["name"] for c in categories if c["id"] == service["category"]), service["category"]),
        is_own=request.person is not None and request.person.id == provider_id,
    )


async def _profile(request: PageRequest, account_id: str) -> Profile | None:
    """The provider's profile; None when they have left."""
    try:
        return await request.api.profile(account_id)
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def star_shares(stars: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """How many of each star, five first: stars, count, and per cent of all, rounded half up."""
    total = sum(stars.values()) or 1
    counts = [(each, int(stars[str(each)])) for each in (5, 4, 3, 2, 1)]
    return [(each, count, (200 * count + total) // (2 * total)) for each, count in counts]


PAGES = (
    Page("GET", "/services", browse_services),
    Page("GET", "/services/{service_id}", show_service),
)
