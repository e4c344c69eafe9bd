"""Reads of services and categories, one statement each; the search is in search.py."""

from sqlalchemy import Connection, or_, select

from kit.paging import Page, decode_cursor, page_of
from kit.security.tokens import Caller
from kit.validation import is_id
from services.catalog.access import no_such_service
from services.catalog.models import CATEGORIES, SERVICES, SHOWN
from services.catalog.rendering import render_category, render_offer, render_service
from services.catalog.sorting import NEWEST, ByPlace
from services.catalog.types import Category, Offer, Service

_service = SERVICES.c


def get_service(connection: Connection, service_id: str, caller: Caller | None) -> Service:
    """Returns a service as the caller may see it.

    Raises: NotFound, also for another provider's draft.
    """
    own = [] if caller is None else [_service.provider_id == caller.id]
    query = select(*SHOWN).where(_service.id == service_id, or_(_service.public, *own))
    row = connection.execute(query).first() if is_id(service_id) else None
    if row is None:
        raise no_such_service()
    return render_service(row)


def get_offer(connection: Connection, service_id: str) -> Offer:
    """Returns what an order stores of a service.

    Raises: NotFound, also for a draft, its own provider's included.
    """
    query = select(*SHOWN).where(_service.id == service_id, _service.public)
    row = connection.execute(query).first() if is_id(service_id) else None
    if row is None:
        raise no_such_service()
    return render_offer(row)


def list_own_services(
    connection: Connection, caller: Caller, status: str | None, limit: int, cursor: str | None
) -> Page[Service]:
    """Returns a page of the caller's services, newest first, in one status or in all of them."""
    filters = {"own": caller.id, "status": status}
    query = select(*SHOWN).where(_service.provider_id == caller.id, *NEWEST.after(cursor, filters))
    if status is not None:
        query = query.where(_service.status == status)
    rows = connection.execute(NEWEST.sorted(query, limit)).all()
    return page_of(rows, limit, filters, NEWEST.position_of, render_service)


def list_categories(connection: Connection, limit: int, cursor: str | None) -> Page[Category]:
    """Returns a page of the categories in the order in which people are shown them."""
    filters = {"list": "categories"}
    place, query = decode_cursor(cursor, filters, ByPlace), select(CATEGORIES)
    if place is not None:
        query = query.where(CATEGORIES.c.position > place.position)
    rows = connection.execute(query.order_by(CATEGORIES.c.position).limit(limit + 1)).all()
    return page_of(rows, limit, filters, lambda row: ByPlace(row.position), render_category)
