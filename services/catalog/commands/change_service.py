"""What providers do with their services: post, change, archive. Each in the caller's transaction."""

from typing import Any

import uuid6
from sqlalchemy import Connection, Row, case, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from chassis.storage import outbox
from kit.errors import Conflict, Invalid
from kit.validation import is_id
from services.catalog.access import check_changeable, check_seen, is_public, owned
from services.catalog.contract import SERVICE_CHANGED
from services.catalog.indexing import TEXTS, term_columns
from services.catalog.models import providers, services
from services.catalog.queries import SHOWN
from services.catalog.rendering import render_service
from services.catalog.types import Service

_at = services.c


def post_service(
    connection: Connection, caller_id: str, caller_name: str, fields: dict[str, Any], quota: int
) -> Service:
    """A new service of the caller, who may have `quota` that are not archived.

    Raises: Conflict `quota_exceeded`; Invalid when there is no such category.
    """
    provider_name = _name_of_provider(connection, caller_id, caller_name)
    _require_quota(connection, caller_id, quota)
    terms = term_columns({**fields, "provider_name": provider_name})
    new = insert(services).values(
        id=str(uuid6.uuid7()), provider_id=caller_id, provider_name=provider_name, **_columns(fields), **terms
    )
    row = _saved(connection, new.returning(*SHOWN), fields)
    _tell(connection, row)
    return render_service(row)


def change_service(
    connection: Connection,
    service_id: str,
    caller_id: str,
    expected_version: int | None,
    fields: dict[str, Any],
) -> Service:
    """The service with the given fields changed; without any it stays as it is.

    Raises: NotFound, Forbidden, Stale, Conflict, Invalid as the rules of a listing say.
    """
    listing = _locked(connection, service_id, caller_id)
    check_seen(listing, expected_version)
    check_changeable(listing)
    if not fields:
        return render_service(listing)
    terms = term_columns({**listing._asdict(), **fields}) if fields.keys() & TEXTS else {}
    row = _saved(connection, _edit(service_id, **_columns(fields), **terms).returning(*SHOWN), fields)
    _tell(connection, row)
    return render_service(row)


def archive_service(
    connection: Connection, service_id: str, caller_id: str, expected_version: int | None
) -> None:
    """Ends a service for good; one that has ended already stays as it is.

    Raises: NotFound, Forbidden, Stale.
    """
    listing = _locked(connection, service_id, caller_id)
    check_seen(listing, expected_version)
    if listing.status != "archived":
        archived = _edit(service_id, status="archived").returning(*SHOWN)
        _tell(connection, connection.execute(archived).one())


def _name_of_provider(connection: Connection, caller_id: str, caller_name: str) -> str:
    # Locking the provider's row makes a change of name wait for this service, or this for it.
    new = postgresql.insert(providers).values(id=caller_id, display_name=caller_name)
    told_by_accounts = providers.c.account_version > 0
    name = case((told_by_accounts, providers.c.display_name), else_=new.excluded.display_name)
    known = new.on_conflict_do_update(index_elements=["id"], set_={"display_name": name})
    return str(connection.execute(known.returning(providers.c.display_name)).scalar_one())


def _require_quota(connection: Connection, provider_id: str, quota: int) -> None:
    # The provider's row is locked, so that no other service of theirs is posted meanwhile.
    own = select(func.count()).where(_at.provider_id == provider_id, _at.status != "archived")
    if connection.execute(own).scalar_one() >= quota:
        detail = f"You have {quota} services, which is as many as an account may have. Archive one first."
        raise Conflict(detail, code="quota_exceeded", quota="services_per_account", limit=quota)


def _locked(connection: Connection, service_id: str, caller_id: str) -> Row[Any]:
    query = select(*SHOWN).where(_at.id == service_id).with_for_update()
    row = connection.execute(query).first() if is_id(service_id) else None
    return owned(row, caller_id)


def _edit(service_id: str, **values: Any) -> Any:
    # The clock, not the transaction's start: an edit that waited for another one is the later one.
    return (
        update(services)
        .where(_at.id == service_id)
        .values(version=_at.version + 1, updated_at=func.clock_timestamp(), **values)
    )


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    columns = dict(fields)
    price = columns.pop("price", None)
    if price is not None:
        columns |= {"price_minor": price["amount"], "currency": price["currency"]}
    if "status" in columns:
        columns["public"] = is_public(columns["status"])
    return columns


def _saved(connection: Connection, statement: Any, fields: dict[str, Any]) -> Row[Any]:
    try:
        row: Row[Any] = connection.execute(statement).one()
    except IntegrityError as error:
        broken = getattr(error.orig, "diag", None)
        if getattr(broken, "constraint_name", None) != "services_category":
            raise
        detail = f"There is no category {fields['category']!r}."
        raise Invalid.field("category", "unknown_category", detail) from error
    return row


def _tell(connection: Connection, row: Row[Any]) -> None:
    outbox.record(
        connection,
        SERVICE_CHANGED,
        service_id=row.id,
        provider_id=row.provider_id,
        service_version=row.version,
    )
