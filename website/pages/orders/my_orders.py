"""My Orders: the orders of an account as customer or provider."""

import asyncio
from typing import Any, Literal

from aiohttp import web
from yarl import URL

from client.arguments import OrderFilters
from client.resources import Listing, Order, Thread
from kit.localization.translations import N_
from website.http.page_request import Access, Page, PageRequest
from website.views import labels, order_banner

PER_PAGE = 20
THREADS = 100
ROLES: dict[str, Literal["customer", "provider"]] = {"customer": "customer", "provider": "provider"}
SORTS = {"-updated_at": N_("Last changed"), "-created_at": N_("Newest")}


async def show_orders(request: PageRequest) -> web.StreamResponse:
    """Shows the orders in one role; by default in the role whose turn it is."""
    role, orders, threads = await _found(request)
    unread = {thread["order_id"] for thread in threads["data"] if thread["unread_count"]}
    return await request.render(
        "orders.html",
        role=role,
        orders=orders["data"],
        unread_orders=unread,
        chosen=_status(request),
        sort=_sort(request),
        sorts=SORTS,
        is_turn=lambda order: order_banner.is_turn_of(order, role),
        address=lambda **changes: _address(request, role, **changes),
        is_first="cursor" not in request.query,
        next_cursor=orders["page"]["next_cursor"],
    )


async def _found(request: PageRequest) -> tuple[str, Listing[Order], Listing[Thread]]:
    asked = ROLES.get(request.query.get("role", ""))
    if asked is not None:
        orders, threads = await asyncio.gather(_orders(request, asked), request.api.threads(limit=THREADS))
        return asked, orders, threads
    ordered, offered, threads = await asyncio.gather(
        _orders(request, "customer"), _orders(request, "provider"), request.api.threads(limit=THREADS)
    )
    waits = any(order_banner.is_turn_of(order, order_banner.CUSTOMER) for order in ordered["data"])
    if not waits and any(order_banner.is_turn_of(order, order_banner.PROVIDER) for order in offered["data"]):
        return order_banner.PROVIDER, offered, threads
    if not ordered["data"] and offered["data"]:
        return order_banner.PROVIDER, offered, threads
    return order_banner.CUSTOMER, ordered, threads


async def _orders(request: PageRequest, role: Literal["customer", "provider"]) -> Listing[Order]:
    filters: OrderFilters = {"limit": PER_PAGE, "cursor": request.query.get("cursor")}
    if (status := _status(request)) is not None:
        filters["status"] = str(status)
    if (sort := _sort(request)) == "-created_at":
        filters["sort"] = sort
    return await request.api.orders(role, **filters)


def _status(request: PageRequest) -> int | None:
    asked = request.query.get("status", "")
    return next((code for code in labels.STATUS_LABELS if str(code) == asked), None)


def _sort(request: PageRequest) -> Literal["-updated_at", "-created_at"]:
    return "-created_at" if request.query.get("sort") == "-created_at" else "-updated_at"


def _address(request: PageRequest, role: str, **changes: Any) -> str:
    query = {"role": role, "status": _status(request), "sort": _sort(request), **changes}
    if query["sort"] == "-updated_at":
        del query["sort"]
    return str(URL("/orders").with_query({name: str(v) for name, v in query.items() if v is not None}))


PAGES = (Page("GET", "/orders", show_orders, Access.SIGNED_IN),)
