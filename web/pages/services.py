"""Finding services, and looking at one."""

import asyncio
from typing import Any

from aiohttp import web
from yarl import URL

from client.arguments import ServiceFilters
from web import money
from web.visits import Page, Visit

PER_PAGE = 24
REVIEWS_SHOWN = 50
SORTS = {
    "-created_at": "Newest",
    "relevance": "Best match",
    "-rating": "Best rated",
    "price": "Cheapest",
    "-price": "Most expensive",
}
FILTERS = ("q", "category", "provider_id", "min_price", "max_price", "currency", "min_rating", "sort")


async def browse_services(visit: Visit) -> web.StreamResponse:
    """Active services that fit what the visitor asks for."""
    asked = {name: visit.request.query.get(name, "").strip() for name in FILTERS}
    complaint, filters = _filters(asked)
    filters |= {"limit": PER_PAGE, "cursor": visit.request.query.get("cursor")}
    found, categories = await asyncio.gather(visit.api.search_services(**filters), visit.api.categories())
    return await visit.show(
        "services.html",
        asked=asked,
        complaint=complaint,
        services=found["data"],
        next_page=_with(visit, cursor=found["page"]["next_cursor"]) if found["page"]["has_more"] else None,
        is_first="cursor" not in visit.request.query,
        first_page=_with(visit, cursor=None),
        categories=categories,
        names={category["id"]: category["name"] for category in categories},
        chips=_chips(visit, asked, {category["id"]: category["name"] for category in categories}),
        sorts=_sorts(asked),
        currencies=money.USUAL_CURRENCIES,
    )


def _filters(asked: dict[str, str]) -> tuple[str, ServiceFilters]:
    """What to ask the API, and what of the visitor's wish was left out, in a sentence."""
    currency, complaint = asked["currency"].upper(), ""
    filters: dict[str, Any] = {name: asked[name] or None for name in ("q", "category", "provider_id")}
    if currency in money.CURRENCIES:
        filters["currency"] = currency
    for name in ("min_price", "max_price"):
        if not asked[name]:
            continue
        try:
            filters[name] = money.read_money(asked[name], currency)["amount"]
        except money.NoAmount as error:
            complaint = f"A price limit was left out. {error}"
    if asked["min_rating"] in ("3", "4", "4.5"):
        filters["min_rating"] = float(asked["min_rating"])
    if asked["sort"] in _sorts(asked) and asked["sort"] != "-created_at":
        filters["sort"] = asked["sort"]
    return complaint, filters  # type: ignore[return-value]


def _sorts(asked: dict[str, str]) -> dict[str, str]:
    """The orders a visitor may choose: by relevance with words, by price within one currency."""
    possible = dict(SORTS)
    if not asked["q"]:
        possible.pop("relevance")
    if asked["currency"].upper() not in money.CURRENCIES:
        possible.pop("price")
        possible.pop("-price")
    return possible


def _chips(visit: Visit, asked: dict[str, str], names: dict[str, str]) -> list[tuple[str, str]]:
    """What narrows the list, each with the address of the list without it."""
    texts = {
        "q": f"“{asked['q']}”",
        "category": names.get(asked["category"], asked["category"]),
        "provider_id": "One provider",
        "min_price": f"From {asked['min_price']}",
        "max_price": f"Up to {asked['max_price']}",
        "currency": asked["currency"].upper(),
        "min_rating": f"{asked['min_rating']} stars or better",
    }
    return [(text, _with(visit, cursor=None, **{name: None})) for name, text in texts.items() if asked[name]]


def _with(visit: Visit, **changes: str | None) -> str:
    query = {name: value for name, value in visit.request.query.items() if value}
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return str(URL(visit.request.path).with_query(query))


async def show_service(visit: Visit) -> web.StreamResponse:
    """One service, its provider and what was said of their work."""
    service = await visit.api.service(visit.part("service_id"))
    profile, reviews, categories = await asyncio.gather(
        visit.api.profile(service["provider"]["id"]),
        visit.api.profile_reviews(service["provider"]["id"], limit=REVIEWS_SHOWN),
        visit.api.categories(),
    )
    of_service = [review for review in reviews["data"] if review["service_id"] == service["id"]]
    return await visit.show(
        "service.html",
        service=service,
        profile=profile,
        reviews=of_service,
        stars=star_counts([review["rating"] for review in of_service]),
        category=next((c["name"] for c in categories if c["id"] == service["category"]), service["category"]),
        is_own=visit.person is not None and visit.person.id == service["provider"]["id"],
    )


def star_counts(ratings: list[int]) -> list[tuple[int, int, int]]:
    """How many of each star, five first: stars, count, and per cent of all."""
    total = len(ratings) or 1
    counts = [(stars, ratings.count(stars)) for stars in (5, 4, 3, 2, 1)]
    return [(stars, count, round(100 * count / total)) for stars, count in counts]


PAGES = (
    Page("GET", "/services", browse_services),
    Page("GET", "/services/{service_id}", show_service),
)
