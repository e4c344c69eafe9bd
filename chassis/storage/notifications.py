"""Waiting for what another transaction commits, by PostgreSQL's NOTIFY and LISTEN."""

import select
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
from sqlalchemy import Connection, func, text
from sqlalchemy import select as sql_select

from chassis.storage.database import Db
from kit.errors import Unavailable

Found = TypeVar("Found")


def notify(connection: Connection, channel: str) -> None:
    """Wakes those who wait for this channel, once the transaction has committed."""
    connection.execute(sql_select(func.pg_notify(channel, "")))


def wait_for(db: Db, channel: str, find: Callable[[], Found | None], timeout_seconds: float) -> Found | None:
    """Returns what `find` finds, at once or after a notification; None when the time is over.

    `channel` is a name of letters, digits and underscores. `find` is called after LISTEN took effect, so
    no notification is missed.

    Raises: Unavailable when the database is unavailable.
    """
    until = time.monotonic() + timeout_seconds

    def wait(connection: Connection) -> Found | None:
        # The pool keeps its size, and the LISTEN ends with this connection.
        connection.detach()
        connection.execute(text(f'LISTEN "{channel}"'))
        session = connection.connection.dbapi_connection
        found = find()
        while found is None and _is_notified(session, until - time.monotonic()):
            found = find()
        return found

    return db.read(wait)


def _is_notified(session: Any, timeout_seconds: float) -> bool:
    if timeout_seconds <= 0 or not select.select([session], [], [], timeout_seconds)[0]:
        return False
    try:
        session.poll()
    except psycopg2.OperationalError as error:
        raise Unavailable("The database is unavailable.", code="database_unavailable") from error
    return True
