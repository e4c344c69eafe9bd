"""Open connections to every service's database, for whoever compares them."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import psycopg2

Row = tuple[Any, ...]


class Databases:
    """Reads all databases; what is changed through it is taken back at the end of the block."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._open: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._open.values():
            connection.close()

    def rows(self, service: str, query: str) -> list[Row]:
        """Rows of one service's database."""
        cursor = self._run(service, query)
        return list(cursor.fetchall())

    def change(self, service: str, statement: str) -> int:
        """Changes one service's database until the end of the block; answers how many rows."""
        return int(self._run(service, statement).rowcount)

    def _run(self, service: str, statement: str) -> Any:
        if service not in self._open:
            self._open[service] = psycopg2.connect(self._url_of(service), connect_timeout=5)
        cursor = self._open[service].cursor()
        cursor.execute(statement)
        return cursor
