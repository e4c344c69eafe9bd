"""The services' databases, each opened when it is first asked; what is wrong with one is said by its name."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from chassis.storage.database import Db, make_engine
from cli.support.errors import CliError, handle_errors, postgresql_message
from kit.errors import Unavailable
from kit.settings import BadSetting, Settings, load

T = TypeVar("T")
PATIENCE_SECONDS = 60.0  # an operator would rather wait than not know


class Databases:
    """A context manager that closes what it opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._patient = dataclasses.replace(
            settings,
            statement_timeout_seconds=PATIENCE_SECONDS,
            rpc_deadline_seconds=PATIENCE_SECONDS,
            database_pool_size=2,
        )
        self._engines: dict[str, Engine] = {}

    def __enter__(self) -> "Databases":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self._engines.values():
            engine.dispose()

    def read(self, service: str, query: Callable[[Connection], T]) -> T:
        """The answer of a query. Raises: CliError."""
        with _named(service):
            return Db(self._engine(service)).read(query)

    def write(self, service: str, effect: Callable[[Connection], T]) -> T:
        """Runs an effect in one transaction. Raises: CliError."""
        with _named(service):
            return Db(self._engine(service)).write(effect)

    @contextlib.contextmanager
    def direct(self, service: str) -> Iterator[Db]:
        """The database as the service itself uses it. Raises: CliError."""
        with _named(service):
            yield Db(self._engine(service))

    @contextlib.contextmanager
    def snapshot(self, service: str) -> Iterator[Connection]:
        """A connection for reading much, a piece at a time. Raises: CliError."""
        with _named(service), self._engine(service).connect() as connection:
            yield connection

    def _engine(self, service: str) -> Engine:
        if service not in self._engines:
            try:
                self._engines[service] = make_engine(self._patient, service)
            except (ArgumentError, ValueError) as error:
                raise BadSetting("DATABASE_URL is no address of a PostgreSQL database.") from error
        return self._engines[service]


@contextlib.contextmanager
def opened() -> Iterator[Databases]:
    """The databases that the environment names; errors that a person can fix become one line."""
    with handle_errors(), Databases(load(Settings)) as databases:
        yield databases


@contextlib.contextmanager
def _named(service: str) -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        said = f" ({postgresql_message(error.__cause__)})" if isinstance(error.__cause__, DBAPIError) else ""
        raise CliError(f"{service}: {error.detail}{said}") from error
    except DBAPIError as error:
        raise CliError(f"{service}: {postgresql_message(error)}. Is it migrated?") from error
