"""What is read of services and categories: one statement each."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, or_, select

from kit.paging import Int32, Page, decode_cursor, page_of
from kit.validation import is_id
from services.catalog.access import no_such_service
from services.catalog.models import FOR_SEARCH, categories, services
from services.catalog.rendering import render_category, render_offer, render_service
from services.catalog.sorting import NEWEST
from services.catalog.types import Category, Offer, Service

_at = services.c
SHOWN = tuple(column for column in _at if column.name not in FOR_SEARCH)


class ByPosition(NamedTuple):
    """The position in the list of categories."""

    position: Int32


def get_service(connection: Connection, service_id: str, caller_id: str | None) -> Service:
    """A service as the caller may see it.

    Raises: NotFound, also for somebody else's draft.
    """
    own = [] if caller_id is None else [_at.provider_id == caller_id]
    query = select(*SHOWN).where(_at.id == service_id, or_(_at.public, *own))
    row = connection.execute(query).first() if is_id(service_id) else None
    if row is None:
        raise no_such_service()
    return render_service(row)


def get_offer(connection: Connection, service_id: str) -> Offer:
    """What an order must keep of a service.

    Raises: NotFound, also for drafts, whoever asks.
    """
    query = select(*SHOWN).where(_at.id == service_id, _at.public)
    row = connection.execute(query).first() if is_id(service_id) else None
    if row is None:
        raise no_such_service()
    return render_offer(row)


def list_own_services(
    connection: Connection, caller_id: str, status: str | None, limit: int, cursor: str | None
) -> Page[Service]:
    """The caller's services, newest first, in every status unless one is asked for."""
    filters = {"own": caller_id, "status": status}
    query = select(*SHOWN).where(_at.provider_id == caller_id, *NEWEST.after(cursor, filters))
    if status is not None:
        query = query.where(_at.status == status)
    rows = connection.execute(NEWEST.sorted(query, limit)).all()
    return page_of(rows, limit, filters, NEWEST.position, render_service)


def list_categories(connection: Connection, limit: int, cursor: str | None) -> Page[Category]:
    """The categories in the order people are shown them."""
    filters = {"list": "categories"}
    query = select(categories).order_by(categories.c.position).limit(limit + 1)
    if (after := decode_cursor(cursor, filters, ByPosition)) is not None:
        query = query.where(categories.c.position > after.position)
    rows = connection.execute(query).all()
    return page_of(rows, limit, filters, lambda row: ByPosition(row.position), render_category)


def active_services(filters: dict[str, Any], *columns: Any) -> Select[Any]:
    """Active services that pass every filter of a search but its words."""
    conditions = {
        "category": lambda value: _at.category == value,
        "provider_id": lambda value: _at.provider_id == value,
        "currency": lambda value: _at.currency == value,
        "min_price": lambda value: _at.price_minor >= value,
        "max_price": lambda value: _at.price_minor <= value,
        "min_rating": lambda value: _at.rating_average >= value,
    }
    query = select(*columns).where(_at.status == "active")
    asked = {name: filters[name] for name in conditions if filters[name] is not None}
    return query.where(*(conditions[name](value) for name, value in asked.items()))
