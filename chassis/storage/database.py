"""The service's own PostgreSQL: reads that are one round trip, writes that are one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import eventlet
from nameko.extensions import DependencyProvider
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis.runtime import failpoints
from chassis.storage import recorded
from chassis.storage.prepared import PreparedStatements
from chassis.storage.recorded import RecordedEvent
from chassis.storage.transactions import Session, session_of
from kit import metrics
from kit.errors import Unavailable
from kit.settings import Settings

T = TypeVar("T")
HandOver = Callable[[list[RecordedEvent]], None]

DEADLOCK, SERIALIZATION = "40P01", "40001"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
# Classes and codes of a server that cannot work: connections, read-only, resources, shutdown, disks.
SERVER_UNAVAILABLE = ("08", "25006", "53", "57P", "58")
ATTEMPTS = 3
UUID_OID = 2950
MAX_DEADLINES = 3  # that a transaction may take in all, a relay's wait for the broker included
# Data are in memory or on SSDs: a page of a list is walked in its index, not collected and sorted.
SESSION_OPTIONS = "-c random_page_cost=1.1 -c timezone=UTC -c client_encoding=UTF8"

current_call: ContextVar[str] = ContextVar("current_call", default="background")


def database_url(settings: Settings, service: str) -> URL:
    """Returns the URL of a service's database."""
    url = make_url(settings.database_url.replace("{service}", service))
    return url.set(drivername="postgresql+psycopg2")


def make_engine(settings: Settings, service: str, **options: Any) -> Engine:
    """Returns a pooled engine; the server limits its statements, lock waits and idle transactions."""
    limits = {
        "statement_timeout": settings.statement_timeout_seconds,
        "lock_timeout": settings.lock_timeout_seconds,
        "idle_in_transaction_session_timeout": 2 * settings.rpc_deadline_seconds,
    }
    bounds = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items())
    engine = create_engine(
        database_url(settings, service),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.rpc_deadline_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        use_native_hstore=False,  # no question about it on each new connection
        connect_args={
            "connection_factory": Session,
            "options": f"{bounds} {SESSION_OPTIONS}",
            "connect_timeout": 3,
            "application_name": f"microtasks-{service}",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 25_000,
        },
        **options,
    )
    _listen(engine, settings)
    return engine


def _listen(engine: Engine, settings: Settings) -> None:
    event.listen(engine, "connect", _read_ids_as_text)
    recorded.follow_savepoints(engine)
    if settings.prepared_statements:
        PreparedStatements().install(engine)


class Db:
    """One service's database: reads in autocommit mode, writes in transactions."""

    def __init__(
        self,
        engine: Engine,
        publish: HandOver = lambda events: None,
        time_limit_seconds: float | None = None,
    ) -> None:
        self._engine = engine
        self._time_limit_seconds = time_limit_seconds
        self._publish = publish

    def read(self, query: Callable[[Connection], T]) -> T:
        """Runs a query outside of any transaction; once more if the pooled connection was lost.

        Raises: Unavailable when the database is unavailable or too slow.
        """

        def attempt() -> T:
            with self._connection(autocommits=True) as connection:
                return query(connection)

        return self._in_time(attempt)

    def write(self, effect: Callable[[Connection], T]) -> T:
        """Runs an effect in one transaction and commits it.

        The effect runs again after a deadlock or a lost connection. It must therefore use nothing but
        its connection, and detect its own work when only the commit's confirmation was lost
        (idempotency keys and inbox rows serve that).

        Raises: Unavailable when the database is unavailable or too slow, or a lock is not acquired.
        """

        def attempt() -> tuple[T, list[RecordedEvent]]:
            with self._connection(autocommits=False) as connection, connection.begin():
                events = recorded.begin(connection)
                return effect(connection), events

        result, events = self._in_time(attempt)
        metrics.labelled(metrics.TRANSACTIONS, current_call.get()).inc()
        if events:
            failpoints.reach("outbox.committed")
            self._publish(events)
        return result

    @contextmanager
    def _connection(self, autocommits: bool) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            session = session_of(connection)
            session.autocommits, before = autocommits, session.round_trips
            try:
                yield connection
            finally:
                session.autocommits = False
                metrics.labelled(metrics.ROUND_TRIPS, current_call.get()).inc(session.round_trips - before)

    def _in_time(self, attempt: Callable[[], T]) -> T:
        # A server that is frozen, or behind a broken network, does not apply its own time-outs.
        with eventlet.Timeout(self._time_limit_seconds) as limit:
            try:
                return _retried(attempt)
            except eventlet.Timeout as expired:
                if expired is not limit:
                    raise
                raise Unavailable("The database does not respond.", code="database_unavailable") from expired


class Database(DependencyProvider):  # type: ignore[misc]
    """Gives each call a `Db` on the service's pooled engine."""

    def __init__(self) -> None:
        self._publishers: list[HandOver] = []
        self._engine: Engine | None = None
        self.db: Db

    def setup(self) -> None:
        """Creates the pool. It connects at the first call, so a start does not need the database."""
        settings, name = self.container.config["settings"], self.container.service_name
        self._engine = make_engine(settings, name)
        self.db = Db(self._engine, self._publish, MAX_DEADLINES * settings.rpc_deadline_seconds)

    def stop(self) -> None:
        """Closes the pooled connections."""
        if self._engine is not None:
            self._engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> Db:
        """Returns the same `Db` for every call."""
        return self.db

    def on_recorded(self, publish: HandOver) -> None:
        """Calls `publish` after each commit that recorded events, with these events."""
        self._publishers.append(publish)

    def _publish(self, events: list[RecordedEvent]) -> None:
        for publish in self._publishers:
            publish(events)


def sqlstate(error: BaseException) -> str:
    """Returns the SQLSTATE of an error, or an empty string."""
    return getattr(getattr(error, "orig", None), "pgcode", None) or ""


def _retried(attempt: Callable[[], T]) -> T:
    for remaining in reversed(range(ATTEMPTS)):
        try:
            return attempt()
        except PoolTimeout as error:
            raise Unavailable("All database connections are busy.", code="busy") from error
        except DBAPIError as error:
            if remaining == 0 or not _is_retryable(error):
                raise _translated(error) from error
    raise AssertionError("unreachable")


def _is_retryable(error: DBAPIError) -> bool:
    return error.connection_invalidated or sqlstate(error) in (DEADLOCK, SERIALIZATION)


def _translated(error: DBAPIError) -> Exception:
    code = sqlstate(error)
    if code == LOCK_NOT_AVAILABLE:
        return Unavailable("Somebody else is changing this; try again.", code="busy")
    if code == QUERY_CANCELED:
        return Unavailable("The database took too long.", code="database_timeout")
    is_unavailable = error.connection_invalidated or code.startswith(SERVER_UNAVAILABLE)
    if is_unavailable or (isinstance(error, OperationalError | InterfaceError) and code == ""):
        return Unavailable("The database is unavailable.", code="database_unavailable")
    return error


def _read_ids_as_text(driver: Any, _record: Any) -> None:
    # Else the driver makes a `UUID` of every id, which the column's type makes a text again.
    driver.string_types.pop(UUID_OID, None)
