"""The doctor finds a database that is away, behind or ahead, and what is stuck in its tables."""

import dataclasses
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import Connection, create_engine, insert, text, update

from chassis.storage.database import database_url
from chassis.storage.tables import FAILED_EVENTS, OUTBOX
from cli.doctor import databases
from cli.doctor.checks import Finding, Result
from cli.doctor.databases import examine_database
from kit.settings import Settings
from services import migrations
from tests.cli.test_commands import microtasks
from tests.support.servers import free_port, with_database

SERVICE = "reviews"


@pytest.fixture
def undeclared(servers: Settings) -> Settings:
    """A database of one's own that does not exist yet; all of this test process's go at its end."""
    name = f"{servers.broker_prefix}doctor_{uuid4().hex[:6]}"
    return dataclasses.replace(servers, database_url=with_database(servers.database_url, name))


@pytest.fixture
def database(undeclared: Settings) -> Settings:
    """The same, with its tables."""
    address = database_url(undeclared, SERVICE).render_as_string(hide_password=False)
    migrations.upgrade(SERVICE, address)
    return undeclared


@pytest.fixture
def connection(database: Settings) -> Iterator[Connection]:
    engine = create_engine(database_url(database, SERVICE), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def look(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine_database(settings, SERVICE)}


def test_a_fresh_database_is_well(database: Settings) -> None:
    findings = look(database)
    assert set(findings) == {"reachable", "clock", "tables", "outbox", "failed events"}
    assert {finding.result for finding in findings.values()} == {Result.OK}


def test_a_missing_database_asks_for_migrate(undeclared: Settings) -> None:
    (found,) = look(undeclared).values()
    assert found.result is Result.FAILED
    assert "does not exist" in found.found
    assert "migrate" in found.advice


def test_a_database_that_is_away_is_one_finding_without_its_password(servers: Settings) -> None:
    away = f"postgresql://someone:hidden-word@127.0.0.1:{free_port()}/{{service}}"
    (found,) = look(dataclasses.replace(servers, database_url=away)).values()
    assert found.result is Result.FAILED
    assert "Start PostgreSQL" in found.advice
    assert "hidden-word" not in found.found


@pytest.mark.parametrize("address", ["nonsense", "postgresql://host:port/name", "foo://x/y"])
def test_an_address_that_is_none_says_so(address: str) -> None:
    (found,) = look(Settings(database_url=address)).values()
    assert found.result is Result.FAILED
    assert "DATABASE_URL" in found.advice


def test_a_database_without_tables_asks_for_migrate(database: Settings, connection: Connection) -> None:
    connection.execute(text("DROP SCHEMA public CASCADE"))
    connection.execute(text("CREATE SCHEMA public"))
    found = look(database)["tables"]
    assert (found.result, found.advice) == (Result.FAILED, databases.MIGRATE)


def test_older_tables_ask_for_migrate(
    database: Settings, monkeypatch: pytest.MonkeyPatch, repository: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "migrations"
    shutil.copytree(repository / "services" / SERVICE / "migrations", newer)
    head = look(database)["tables"].found.rpartition(" ")[2]
    (newer / "v9999_more.py").write_text(f'revision = "9999"\ndown_revision = "{head}"\n')
    config = migrations.alembic_config(SERVICE)
    config.set_main_option("version_locations", str(newer))
    monkeypatch.setattr(databases, "alembic_config", lambda _: config)
    found = look(database)["tables"]
    assert (found.result, found.advice) == (Result.FAILED, databases.MIGRATE)
    assert "9999" in found.found


def test_newer_tables_are_worth_a_warning(database: Settings, connection: Connection) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    found = look(database)["tables"]
    assert found.result is Result.WARNING
    assert "newer" in found.found


def test_an_event_that_waits_for_more_than_a_minute_is_found(
    database: Settings, connection: Connection
) -> None:
    connection.execute(insert(OUTBOX).values(event_id=str(uuid4()), type="review_submitted", body={}))
    assert look(database)["outbox"].result is Result.OK, "it has only just been recorded"
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    connection.execute(update(OUTBOX).values(created_at=long_ago))
    found = look(database)["outbox"]
    assert found.result is Result.FAILED
    assert "1 events" in found.found
    assert "5 min" in found.found
    connection.execute(update(OUTBOX).values(sent_at=long_ago))
    assert look(database)["outbox"].result is Result.OK


def _failed_event(parked: bool) -> dict[str, object]:
    return {
        "consumer": "reviews.on_order_status_changed",
        "event_id": str(uuid4()),
        "type": "order_status_changed",
        "body": {},
        "attempts": 10,
        "error": "KeyError: 'price'",
        "next_try_at": datetime.now(UTC),
        "parked_at": datetime.now(UTC) if parked else None,
    }


def test_parked_events_fail_and_the_advice_lets_them_be_tried_again(
    database: Settings, connection: Connection
) -> None:
    for parked in (False, True, True):
        connection.execute(insert(FAILED_EVENTS).values(_failed_event(parked)))
    findings = look(database)
    assert findings["failed events"].result is Result.WARNING
    parked_events = findings["parked events"]
    assert parked_events.result is Result.FAILED
    assert "2 × order_status_changed: KeyError: 'price'" in parked_events.found
    words = re.findall(r"`microtasks (.+)`", parked_events.advice)[0].split()
    done = microtasks(*words, DATABASE_URL=database.database_url)
    assert done.returncode == 0, done.stderr
    assert "parked events" not in look(database)


@pytest.mark.parametrize(("seconds", "result"), [(10, Result.WARNING), (120, Result.FAILED)])
def test_clocks_that_differ_are_found(database: Settings, seconds: int, result: Result) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True):
        found = look(database)["clock"]
    assert found.result is result
    assert "NTP" in found.advice
