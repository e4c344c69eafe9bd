"""What happened to an account, for its owner: recorded with the effect, logged and counted on commit."""

from dataclasses import dataclass
from typing import Any

import structlog
import uuid6
from sqlalchemy import Connection, delete, event, func, select

from kit import metrics
from kit.errors import BadQuery
from kit.paging import Page, decode_cursor, page_of
from kit.tokens import Caller
from kit.validation import is_id, rfc3339
from services.accounts import statements as queries
from services.accounts.contract import SecurityEventType
from services.accounts.models import SECURITY_EVENTS, SESSIONS

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Origin:
    """Where something comes from: the network address, and what the browser calls itself."""

    address: str | None
    browser: str | None


def record(
    connection: Connection, kind: SecurityEventType, account_id: str, origin: Origin, **details: Any
) -> None:
    """Stores an event in the transaction of what it tells."""
    row = {
        "id": str(uuid6.uuid7()),
        "account_id": account_id,
        "type": kind.value,
        "address": origin.address,
        "browser": origin.browser,
        "details": details,
    }
    connection.execute(SECURITY_EVENTS.insert(), row)
    _announce_on_commit(connection, kind, account_id, origin.address)


def record_new_browser(connection: Connection, account_id: str, session_id: str, origin: Origin) -> None:
    """Stores a sign-in from a browser that proved nothing, unless one of the same name and address did
    so before: programs that keep no device token would otherwise fill the list."""
    values = {"id": str(uuid6.uuid7()), "account_id": account_id, "session_id": session_id}
    kind = SecurityEventType.SIGNED_IN_NEW_BROWSER
    arguments = {**values, "type": kind.value, "address": origin.address, "browser": origin.browser}
    if connection.execute(queries.RECORD_NEW_BROWSER, arguments).first() is not None:
        _announce_on_commit(connection, kind, account_id, origin.address)


def record_lock_out(connection: Connection, account_id: str, origin: Origin, scope: str) -> None:
    """Stores that an account was locked out; the same statement where there is no such account."""
    kind = SecurityEventType.LOCKED_OUT
    arguments = {
        "id": str(uuid6.uuid7()),
        "account_id": account_id,
        "type": kind.value,
        "address": origin.address,
        "browser": origin.browser,
        "scope": scope,
    }
    if connection.execute(queries.RECORD_LOCK_OUT, arguments).first() is not None:
        _announce_on_commit(connection, kind, account_id, origin.address)


def browser_of_session(connection: Connection, session_id: str) -> str | None:
    """What the browser that opened a session called itself."""
    query = select(SESSIONS.c.client).where(SESSIONS.c.id == session_id)
    found: str | None = connection.execute(query).scalar()
    return found


def page_of_events(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """What happened to the caller's account, newest first. Raises: BadQuery for a foreign cursor."""
    filters = {"security_events_of": caller.id}
    position = decode_cursor(cursor, filters, 1)
    query = select(SECURITY_EVENTS).where(SECURITY_EVENTS.c.account_id == caller.id)
    if position is not None:
        if not is_id(position[0]):
            raise BadQuery.parameter("cursor", "invalid_cursor", "The cursor is not one this API gave out.")
        query = query.where(SECURITY_EVENTS.c.id < position[0])
    rows = connection.execute(query.order_by(SECURITY_EVENTS.c.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, filters, lambda row: [row.id], _rendered)


def purge_events(connection: Connection, days: int, batch: int) -> None:
    """Removes up to `batch` events that are older than so many days."""
    old = (
        select(SECURITY_EVENTS.c.id)
        .where(SECURITY_EVENTS.c.created_at < func.now() - func.make_interval(0, 0, 0, days))
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(SECURITY_EVENTS).where(SECURITY_EVENTS.c.id.in_(old)))


def _rendered(row: Any) -> dict[str, Any]:
    names = ("id", "type", "address", "browser", "details")
    return {**{name: getattr(row, name) for name in names}, "created_at": rfc3339(row.created_at)}


def _announce_on_commit(
    connection: Connection, kind: SecurityEventType, account_id: str, address: str | None
) -> None:
    def announce(_connection: Connection) -> None:
        metrics.SECURITY_EVENTS.labels(kind.value).inc()
        log.info("security_event", type=kind.value, account_id=account_id, address=address)

    event.listen(connection, "commit", announce, once=True)
