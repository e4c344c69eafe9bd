"""Transactions in few round trips: BEGIN travels with the first statement, the last ones with COMMIT.

The driver sends BEGIN as a message of its own and waits for the answer. A `Session` puts it before the
first statement, in one message. PostgreSQL runs the statements of a message in order and stops at one that
fails; the driver returns the result of the last.
"""

from typing import Any, cast

from psycopg2 import errors, extensions
from sqlalchemy import Connection

IDLE, FAILED = extensions.TRANSACTION_STATUS_IDLE, extensions.TRANSACTION_STATUS_INERROR
LEVELS = (extensions.ISOLATION_LEVEL_AUTOCOMMIT, extensions.ISOLATION_LEVEL_READ_COMMITTED)


class Session(extensions.connection):  # type: ignore[misc]
    """A connection of the driver: its first statement begins a transaction, `commit` or `rollback` ends it.

    While `autocommits`, no statement begins one. Whether the server is in a transaction is not remembered
    here: libpq reads it from every answer.
    """

    def __init__(self, dsn: str, async_: int = 0) -> None:
        super().__init__(dsn, async_)
        self.autocommit = True  # the driver sends no BEGIN of its own
        self.autocommits = False
        self.round_trips = 0
        self._first = self._last = b""

    def cursor(self, name: str | None = None) -> "Cursor":
        """Returns a cursor; what a named one finds is fetched in parts."""
        # The driver believes that there is no transaction, and takes named cursors only if they outlive it.
        named = {} if name is None else {"name": name, "withhold": True}
        cursor: Cursor = super().cursor(cursor_factory=Cursor, **named)
        return cursor

    def set_isolation_level(self, level: int) -> None:
        """Turns autocommit mode on or off. Raises: NotSupportedError for other levels than the default."""
        if level not in LEVELS:
            raise errors.FeatureNotSupported("Transactions are READ COMMITTED.")
        self.autocommits = level == extensions.ISOLATION_LEVEL_AUTOCOMMIT

    def send_first(self, statement: str, *parameters: Any) -> None:
        """Sends a statement with the BEGIN of the transaction, before which it has to be asked for."""
        self._first += self.cursor().mogrify(statement, parameters) + b"; "

    def send_last(self, statement: str, *parameters: Any) -> None:
        """Sends a statement with the COMMIT of the transaction; a rollback drops it."""
        self._last += self.cursor().mogrify(statement, parameters) + b"; "

    def begin_now(self) -> None:
        """Begins the transaction that the next statement would begin."""
        opening = self.opening()
        if opening:
            self._send(opening)

    def opening(self) -> bytes:
        """Returns what the next message begins with, which is nothing inside of a transaction."""
        if self.autocommits or self.get_transaction_status() != IDLE:
            return b""
        return b"BEGIN; " + self._first

    def commit(self) -> None:
        """Commits the transaction, if there is one.

        Raises: InFailedSqlTransaction when one of its statements has failed; it is rolled back.
        """
        status = self.get_transaction_status()
        if status == FAILED:
            self.rollback()
            raise errors.InFailedSqlTransaction("A statement of this transaction has failed.")
        message = self.opening() + self._last + b"COMMIT" if self._last or status != IDLE else b""
        self._first = self._last = b""
        if message:
            self._send(message)

    def rollback(self) -> None:
        """Rolls the transaction back, if there is one."""
        self._first = self._last = b""
        if self.get_transaction_status() != IDLE:
            self._send(b"ROLLBACK")

    def _send(self, message: bytes) -> None:
        self.round_trips += 1
        with super().cursor() as cursor:
            cursor.execute(message)


class Cursor(extensions.cursor):  # type: ignore[misc]
    """A cursor that sends its statement with the BEGIN that it needs."""

    connection: Session

    def execute(self, query: Any, parameters: Any = None) -> None:
        """Sends a statement."""
        session = self.connection
        if self.name is not None:
            session.begin_now()
        elif opening := session.opening():
            query, parameters = opening + self.mogrify(query, parameters), None
        session.round_trips += 1
        super().execute(query, parameters)

    def executemany(self, query: Any, parameters: Any) -> None:
        """Sends a statement for each of the parameters."""
        self.connection.begin_now()
        self.connection.round_trips += len(parameters)
        super().executemany(query, parameters)


def session_of(connection: Connection) -> Session:
    """Returns the driver's connection below one of SQLAlchemy."""
    return cast(Session, connection.connection.dbapi_connection)
