"""Security events of accounts: stored in the transaction of their cause, logged and counted on commit."""

from dataclasses import dataclass
from typing import Any

import structlog
import uuid6
from sqlalchemy import Connection, delete, event, func, select

from kit import metrics
from services.accounts import statements
from services.accounts.contract import SecurityEventType
from services.accounts.models import SECURITY_EVENTS

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Origin:
    """The network address of a request, and what its browser calls itself."""

    address: str | None
    browser: str | None


def record(
    connection: Connection, kind: SecurityEventType, account_id: str, origin: Origin, **details: Any
) -> None:
    """Stores an event in the transaction of its cause."""
    row = {
        "id": str(uuid6.uuid7()),
        "account_id": account_id,
        "type": kind.value,
        "address": origin.address,
        "browser": origin.browser,
        "details": details,
    }
    connection.execute(SECURITY_EVENTS.insert(), row)
    _report_on_commit(connection, kind, account_id, origin.address)


def record_new_browser(connection: Connection, account_id: str, session_id: str, origin: Origin) -> None:
    """Stores a sign-in from a browser without a valid device token, unless there was one of the same name
    and address: programs that store no device token would otherwise fill the list."""
    values = {"id": str(uuid6.uuid7()), "account_id": account_id, "session_id": session_id}
    kind = SecurityEventType.SIGNED_IN_NEW_BROWSER
    arguments = {**values, "type": kind.value, "address": origin.address, "browser": origin.browser}
    if connection.execute(statements.RECORD_NEW_BROWSER, arguments).first() is not None:
        _report_on_commit(connection, kind, account_id, origin.address)


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
    if connection.execute(statements.RECORD_LOCK_OUT, arguments).first() is not None:
        _report_on_commit(connection, kind, account_id, origin.address)


def purge_events(connection: Connection, days: int, batch: int) -> None:
    """Removes up to `batch` events that are older than so many days."""
    old = (
        select(SECURITY_EVENTS.c.id)
        .where(SECURITY_EVENTS.c.created_at < func.now() - func.make_interval(0, 0, 0, days))
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(SECURITY_EVENTS).where(SECURITY_EVENTS.c.id.in_(old)))


def _report_on_commit(
    connection: Connection, kind: SecurityEventType, account_id: str, address: str | None
) -> None:
    def report(_connection: Connection) -> None:
        metrics.SECURITY_EVENTS.labels(kind.value).inc()
        log.info("security_event", type=kind.value, account_id=account_id, address=address)

    event.listen(connection, "commit", report, once=True)
