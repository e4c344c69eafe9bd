"""Storing services: each change with its search terms and its event, in the caller's transaction."""

from collections.abc import Mapping
from typing import Any

import uuid6
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chassis.storage import outbox
from kit.errors import Invalid
from kit.validation import is_id
from services.catalog.access import is_public, require_owner
from services.catalog.contract import SERVICE_CHANGED
from services.catalog.indexing import TEXTS, term_columns
from services.catalog.models import SERVICES, SHOWN
from services.catalog.rendering import render_service_changed

_service = SERVICES.c


def lock_own_service(connection: Connection, service_id: str, caller_id: str) -> Row[Any]:
    """Returns a service of the caller's, locked.

    Raises: NotFound, Forbidden.
    """
    query = select(*SHOWN).where(_service.id == service_id).with_for_update()
    row = connection.execute(query).first() if is_id(service_id) else None
    return require_owner(row, caller_id)


def insert_service(
    connection: Connection, provider_id: str, provider_name: str, fields: Mapping[str, Any]
) -> Row[Any]:
    """Stores a new service and publishes it.

    Raises: Invalid `unknown_category`.
    """
    new = insert(SERVICES).values(
        id=str(uuid6.uuid7()),
        provider_id=provider_id,
        provider_name=provider_name,
        **_columns(fields, was_public=False),
        **term_columns({**fields, "provider_name": provider_name}),
    )
    return _save(connection, new, fields)


def update_service(connection: Connection, before: Row[Any], fields: Mapping[str, Any]) -> Row[Any]:
    """Stores changes of a locked service as its next version and publishes it.

    Raises: Invalid `unknown_category`.
    """
    terms = term_columns({**before._asdict(), **fields}) if fields.keys() & TEXTS else {}
    # The clock, not the transaction's start: an edit that waited for another one is the later one.
    changed = update(SERVICES).where(_service.id == before.id)
    changed = changed.values(version=_service.version + 1, updated_at=func.clock_timestamp())
    return _save(connection, changed.values(**_columns(fields, before.public), **terms), fields)


def _columns(fields: Mapping[str, Any], was_public: bool) -> dict[str, Any]:
    columns = dict(fields)
    price = columns.pop("price", None)
    if price is not None:
        columns |= {"price_minor": price["amount"], "currency": price["currency"]}
    if "status" in columns:
        columns["public"] = is_public(columns["status"], was_public)
    return columns


def _save(connection: Connection, statement: Any, fields: Mapping[str, Any]) -> Row[Any]:
    try:
        row: Row[Any] = connection.execute(statement.returning(*SHOWN)).one()
    except IntegrityError as error:
        violation = getattr(error.orig, "diag", None)
        if getattr(violation, "constraint_name", None) != "services_category":
            raise
        detail = f"There is no category {fields['category']!r}."
        raise Invalid.field("category", "unknown_category", detail) from error
    outbox.record(connection, SERVICE_CHANGED, **render_service_changed(row))
    return row
