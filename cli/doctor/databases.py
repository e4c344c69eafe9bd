"""Whether a service's database answers, has the newest tables and holds nothing that is stuck."""

import time
from collections.abc import Iterator

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from chassis.storage.database import make_engine
from chassis.storage.tables import FAILED_EVENTS, OUTBOX
from cli.doctor.addresses import examine_addresses
from cli.doctor.checks import Finding, Result, failed, ok, warning
from cli.operations.configuration import masked
from cli.support.durations import spoken
from cli.support.errors import postgresql_message
from kit.security.tokens import LEEWAY_SECONDS
from kit.settings import Settings
from services.migrations import alembic_config

OLDEST_VERSION = 15
LATE_SECONDS = 60
SKEW_WORTH_A_WARNING_SECONDS = 2.0
MIGRATE = "Run `microtasks migrate`."
TRY_AGAIN = "Fix the cause, then run `microtasks events retry --all --service {service} --type {type}`."


def examine_database(settings: Settings, service: str) -> Iterator[Finding]:
    """Looks at one service's database."""
    subject = f"{service} database"
    try:
        engine = make_engine(settings, service, isolation_level="AUTOCOMMIT")
    except (ArgumentError, ValueError):
        yield failed(subject, "reachable", "DATABASE_URL is no address.", "Fix DATABASE_URL.")
        return
    try:
        with engine.connect() as connection:
            yield from _examine(connection, service, subject)
    except DBAPIError as error:
        yield _trouble(subject, masked(settings.database_url).replace("{service}", service), error)
    finally:
        engine.dispose()


def _trouble(subject: str, address: str, error: DBAPIError) -> Finding:
    said = postgresql_message(error)
    found = f"{address}: {said}"
    if "does not exist" in said and "database" in said:
        return failed(subject, "reachable", found, MIGRATE)
    if "authentication failed" in said or "permission denied" in said or "does not exist" in said:
        return failed(subject, "reachable", found, "Fix the account in DATABASE_URL, or its rights.")
    return failed(subject, "reachable", found, "Start PostgreSQL, or fix DATABASE_URL.")


def _examine(connection: Connection, service: str, subject: str) -> Iterator[Finding]:
    version = int((connection.dialect.server_version_info or (0,))[0])
    name = f"PostgreSQL {version}"
    if version < OLDEST_VERSION:
        yield warning(subject, "reachable", f"{name} is too old.", f"Use {OLDEST_VERSION} or newer.")
    else:
        yield ok(subject, "reachable", name)
    yield _clock(connection, subject)
    tables = _tables(connection, service, subject)
    yield tables
    if connection.scalar(text("SELECT to_regclass('outbox') IS NOT NULL")):
        yield _outbox(connection, subject)
        yield from _failed_events(connection, service, subject)
    if service == "accounts" and tables.result is not Result.FAILED:
        yield examine_addresses(connection, subject)


def _clock(connection: Connection, subject: str) -> Finding:
    connection.scalar(text("SELECT 1"))  # so that the round trip below is only that
    before = time.time()
    server = float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
    apart = abs(server - (before + time.time()) / 2)
    found = f"{apart:.1f} s from this machine's clock"
    advice = "Set both clocks by NTP: tokens, idempotency and all periods are counted by them."
    if apart > LEEWAY_SECONDS:
        return failed(subject, "clock", found, advice)
    if apart > SKEW_WORTH_A_WARNING_SECONDS:
        return warning(subject, "clock", found, advice)
    return ok(subject, "clock", found)


def _tables(connection: Connection, service: str, subject: str) -> Finding:
    history = ScriptDirectory.from_config(alembic_config(service))
    newest, current = (
        set(history.get_heads()),
        set(MigrationContext.configure(connection).get_current_heads()),
    )
    known = {script.revision for script in history.walk_revisions()}
    at, aim = ", ".join(sorted(current)), ", ".join(sorted(newest))
    if not current:
        return failed(subject, "tables", "There are none.", MIGRATE)
    if not current <= known:
        advice = "Run the version that made it, or a newer one."
        return warning(
            subject, "tables", f"They are at revision {at}, which is newer than this code.", advice
        )
    if current != newest:
        return failed(subject, "tables", f"They are at revision {at}; this code needs {aim}.", MIGRATE)
    return ok(subject, "tables", f"at revision {at}")


def _outbox(connection: Connection, subject: str) -> Finding:
    late = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, LATE_SECONDS)
    waiting = OUTBOX.c.sent_at.is_(None), OUTBOX.c.created_at < late
    count, oldest = connection.execute(
        select(func.count(), func.extract("epoch", func.now() - func.min(OUTBOX.c.created_at))).where(
            *waiting
        )
    ).one()
    if not count:
        return ok(subject, "outbox", "no event waits to be published")
    found = f"{count} events wait to be published, the oldest for {spoken(float(oldest))}."
    advice = (
        "They go by themselves once the service runs and RabbitMQ takes messages: see the findings there."
    )
    return failed(subject, "outbox", found, advice)


def _failed_events(connection: Connection, service: str, subject: str) -> Iterator[Finding]:
    is_parked = FAILED_EVENTS.c.parked_at.is_not(None)
    rows = connection.execute(
        select(FAILED_EVENTS.c.type, is_parked, func.count(), func.max(FAILED_EVENTS.c.error))
        .group_by(FAILED_EVENTS.c.type, is_parked)
        .order_by(FAILED_EVENTS.c.type)
    ).all()
    if not rows:
        yield ok(subject, "failed events", "none")
    for event_type, parked, count, error in rows:
        found = f"{count} × {event_type}: {error.partition(chr(10))[0][:200]}"
        if parked:
            advice = TRY_AGAIN.format(service=service, type=event_type)
            yield failed(subject, "parked events", found, advice)
        else:
            advice = "They are tried again by themselves; fix the cause before they are parked."
            yield warning(subject, "failed events", found, advice)
