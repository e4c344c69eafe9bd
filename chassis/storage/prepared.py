"""Prepared statements: what a process executes often, PostgreSQL parses and plans once per connection.

A statement's text as SQLAlchemy compiles it is constant. After a few executions it is prepared on each
connection, always outside of a transaction, and from then on sent as `EXECUTE name (values)`. What cannot
be prepared is sent as before.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog
from psycopg2 import Error, extensions
from sqlalchemy import Boolean, Date, DateTime, Engine, Float, Integer, Numeric, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.types import NullType

log = structlog.get_logger(__name__)

EXECUTIONS_BEFORE = 5  # a statement is prepared when it is executed this often
MAX_STATEMENTS = 200  # on one connection; what is frequent after them is sent as text
MAX_COUNTED = 2_000  # texts whose executions are counted
INFO_KEY = "prepared_statements"  # in `Connection.info`, which is as old as the driver's connection
NO_SUCH_STATEMENT = "26000"

_TYPES: tuple[tuple[type[Any], str], ...] = (
    (Boolean, "boolean"),
    (Integer, "bigint"),
    (Float, "numeric"),
    (Numeric, "numeric"),
    (Date, "date"),
)
_PREPARABLE = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_PARAMETER = re.compile(r"%%|%\((?P<name>[^)]+)\)s(?P<cast>::\w+(?:\[\])?)?")


class Prepared(NamedTuple):
    """A statement as PostgreSQL prepares and executes it; the latter has the driver's placeholders."""

    prepare: str
    execute: str


class PreparedStatements:
    """The frequent statements of an engine, which its connections prepare."""

    def __init__(self) -> None:
        self._executions: dict[str, int] = {}
        self._frequent: dict[str, Prepared] = {}

    def install(self, engine: Engine) -> None:
        """Makes the engine prepare its frequent statements."""
        event.listen(engine, "do_execute", self._execute)
        event.listen(engine, "handle_error", _renew_outdated)

    def _execute(self, cursor: Any, _text: str, parameters: Any, context: Any) -> bool:
        # A list of parameters varies in length, and a named cursor declares its statement itself.
        if context.executemany or cursor.name is not None:
            return False
        text: str = context.statement
        prepared = self._frequent.get(text) or self._counted(text, context)
        if prepared is None:
            return False
        known: set[str] = context.root_connection.info.setdefault(INFO_KEY, set())
        if len(known) < len(self._frequent):
            self._prepare_missing(cursor.connection, known)
        if text not in known:
            return False
        cursor.execute(prepared.execute, parameters)
        return True

    def _counted(self, text: str, context: Any) -> Prepared | None:
        """Counts an execution; returns the statement when it has just become frequent."""
        executions = self._executions.get(text, 0) + 1
        if executions > EXECUTIONS_BEFORE or not _PREPARABLE.match(text):
            return None
        if len(self._executions) >= MAX_COUNTED:
            self._executions.clear()
        self._executions[text] = executions
        if executions < EXECUTIONS_BEFORE or len(self._frequent) >= MAX_STATEMENTS:
            return None
        types = _declared_types(context)
        if types is None:
            return None
        self._frequent[text] = prepared = as_prepared(text, types)
        return prepared

    def _prepare_missing(self, driver: Any, known: set[str]) -> None:
        if driver.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            return  # a failure would abort the transaction
        for text, prepared in list(self._frequent.items()):
            if text not in known and self._prepare(driver, text, prepared):
                known.add(text)

    def _prepare(self, driver: Any, text: str, prepared: Prepared) -> bool:
        try:
            with extensions.connection.cursor(driver) as cursor:  # one that begins no transaction
                cursor.execute(prepared.prepare)
        except Error as error:
            if driver.closed:
                raise
            log.info("statement_not_prepared", statement=text, error=str(error))
            self._frequent.pop(text, None)
            return False
        return True


def as_prepared(text: str, types: dict[str, str]) -> Prepared:
    """Returns a compiled statement with its parameters numbered; `types` are those not to be inferred."""
    numbers: dict[str, int] = {}
    values: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        name, cast = match["name"], match["cast"] or ""
        if name is None:
            return "%"
        if name not in numbers:
            numbers[name] = len(numbers) + 1
            values.append(f"%({name})s{cast}")
        return f"${numbers[name]}{cast}"

    body = _PARAMETER.sub(numbered, text)
    label = f"p_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    declared = _listed(types.get(name, "unknown") for name in numbers)
    return Prepared(f"PREPARE {label}{declared} AS {body}", f"EXECUTE {label}{_listed(values)}")


def _listed(parts: Iterable[str]) -> str:
    joined = ", ".join(parts)
    return f" ({joined})" if joined else ""


def _declared_types(context: Any) -> dict[str, str] | None:
    """Returns the types of the parameters whose literals have one of their own; None when one is unknown.

    A text in quotes has the type that its place demands, and so has a parameter of no declared type. A number
    has the type of its literal: that of a column would refuse it or round it.
    """
    values = context.parameters[0]
    binds = {} if context.compiled is None else context.compiled.binds
    types: dict[str, str] = {}
    for name, value in values.items():
        bound = binds[name].type if name in binds else None
        if isinstance(bound, DateTime):
            types[name] = "timestamptz" if bound.timezone else "timestamp"
        elif found := next((t for kind, t in _TYPES if isinstance(bound, kind)), None):
            types[name] = found
        elif isinstance(value, list) and f"%({name})s::" not in context.statement:
            return None  # only a cast turns an array of texts into one of ids
        elif (bound is None or isinstance(bound, NullType)) and not isinstance(value, str | list):
            return None
    return types


def _renew_outdated(failed: ExceptionContext) -> None:
    """Makes the pool connect anew, and the effect run again, when the statements are no longer valid."""
    error = failed.original_exception
    outdated = getattr(getattr(error, "diag", None), "source_function", None) == "RevalidateCachedQuery"
    if outdated or getattr(error, "pgcode", None) == NO_SUCH_STATEMENT:
        failed.is_disconnect = True
