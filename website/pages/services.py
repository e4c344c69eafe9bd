"""The list of services, and the page of one."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from client import Problem
from client.resources import Listing, Profile, Service
from kit.localization.money import format_money
from kit.localization.translations import gettext
from kit.text import isolated
from website.forms import money
from website.forms.search import RATINGS, Search, read_search
from website.http.page_request import Page, PageRequest
from website.views.labels import category_name

PER_PAGE = 24
REVIEWS_SHOWN = 5


async def browse_services(request: PageRequest) -> web.StreamResponse:
    """Shows the active services that match the search."""
    search = read_search(request.query)
    found, categories = await asyncio.gather(_search(request, search), request.api.categories())
    names = {category["id"]: category["name"] for category in categories}
    return await request.render(
        "services.html",
        asked=search.typed,
        warnings=search.warnings,
        services=found["data"],
        next_page=with_query(request, cursor=found["page"]["next_cursor"])
        if found["page"]["has_more"]
        else None,
        is_first="cursor" not in search.filters,
        first_page=with_query(request, cursor=None),
        categories=categories,
        names=names,
        active_filters=_active_filters(request, search, names, found["data"]),
        sorts=search.sorts,
        ratings=RATINGS,
        currencies=_currencies(search.typed["currency"]),
    )


async def _search(request: PageRequest, search: Search) -> Listing[Service]:
    """Returns the services found, without the filters that the API rejects, such as an outdated cursor."""
    if cursor := request.query.get("cursor"):
        search.filters["cursor"] = cursor
    try:
        return await request.api.search_services(limit=PER_PAGE, **search.filters)
    except Problem as problem:
        if problem.status != 400:
            raise
        search.drop_rejected(problem)
        return await request.api.search_services(limit=PER_PAGE, **search.filters)


def _currencies(chosen: str) -> tuple[str, ...]:
    usual = money.USUAL_CURRENCIES
    return usual if chosen in usual or chosen not in money.CURRENCIES else (*usual, chosen)


def _by(service: Service) -> str:
    return gettext("By {name}").format(name=isolated(service["provider"]["display_name"]))


def _active_filters(
    request: PageRequest, search: Search, names: Mapping[str, str], found: list[Service]
) -> list[tuple[str, str]]:
    """Returns the text of each filter, with the URL of the list without it."""
    filters = search.filters

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
        "min_rating": lambda: gettext("{stars} stars or better").format(stars=search.typed["min_rating"]),
    }
    return [(text(), _without(request, name)) for name, text in texts.items() if name in filters]


def _without(request: PageRequest, name: str) -> str:
    """Returns the URL of the list without a filter, and without those that depend on it."""
    gone = {"currency": ("currency", "min_price", "max_price", "sort"), "q": ("q", "sort")}.get(name, (name,))
    if name == "q" and request.query.get("sort") != "relevance":
        gone = ("q",)
    return with_query(request, cursor=None, **dict.fromkeys(gone))


def with_query(request: PageRequest, **changes: str | None) -> str:
    """Returns this page's URL with some parameters of its query changed, or removed (None)."""
    query = {name: value for name, value in request.query.items() if value}
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return str(URL(request.raw.path).with_query(query))


async def show_service(request: PageRequest) -> web.StreamResponse:
    """Shows a service, its provider and its reviews."""
    service_id = request.path_id("service_id")
    service, rating, categories = await asyncio.gather(
        request.api.service(service_id), request.api.service_rating(service_id), request.api.categories()
    )
    provider_id = service["provider"]["id"]
    # The profile and reviews are those of the service's provider, so they are fetched after it.
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
    """Returns the provider's profile; None when the account is closed."""
    try:
        return await request.api.profile(account_id)
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def star_shares(stars: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """Returns stars, count and percentage (rounded half up) for five stars down to one."""
    total = sum(stars.values()) or 1
    counts = [(each, int(stars[str(each)])) for each in (5, 4, 3, 2, 1)]
    return [(each, count, (200 * count + total) // (2 * total)) for each, count in counts]


PAGES = (
    Page("GET", "/services", browse_services),
    Page("GET", "/services/{service_id}", show_service),
)
