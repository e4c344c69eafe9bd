"""A server that is away or strange is one sentence that names it, never a traceback."""

import uuid

import pytest

from tests.cli.operations.desk import Desk
from tests.support.servers import free_port

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]
ID = "0190a5e4-0000-7000-8000-000000000001"
ON_DATABASES = [
    ("events", "list"),
    ("events", "retry", ID),
    ("outbox", "status"),
    ("outbox", "replay", "--since", "1h"),
    ("orders", "timeline", "MT-100001"),
    ("orders", "transition", ID, "cancel", "--as-staff", "--reason", "r"),
]
ON_THE_BROKER = [("dead-letters", "list"), ("dead-letters", "replay", "--all"), ("queues",)]


@pytest.mark.parametrize("words", ON_DATABASES, ids=" ".join)
def test_a_database_that_is_away_is_named(
    desk: Desk, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"postgresql://someone:hidden-word@127.0.0.1:{free_port()}/{{service}}"
    monkeypatch.setenv("DATABASE_URL", address)
    result = desk.run(*words)
    assert result.exit_code == 1
    assert "The database is unavailable" in result.stderr and "Connection refused" in result.stderr
    assert "hidden-word" not in result.output


@pytest.mark.parametrize("words", ON_THE_BROKER, ids=" ".join)
def test_a_broker_that_is_away_is_named(
    desk: Desk, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMQP_URL", f"amqp://guest:hidden-word@127.0.0.1:{free_port()}//")
    result = desk.run(*words)
    assert result.exit_code == 1
    assert "RabbitMQ at amqp://guest:***@127.0.0.1" in result.stderr
    assert "hidden-word" not in result.output


def test_a_database_without_its_tables_says_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _, _ = desk.settings.database_url.rpartition("/")
    monkeypatch.setenv("DATABASE_URL", f"{server}/postgres")
    result = desk.run("events", "list")
    assert result.exit_code == 1
    assert "failed_events" in result.stderr and "Is it migrated?" in result.stderr


def test_a_broker_without_its_queues_says_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PREFIX", f"nobody-{uuid.uuid4()}-")
    result = desk.run("dead-letters", "list")
    assert result.exit_code == 1
    assert "microtasks migrate" in result.stderr


@pytest.mark.parametrize(("name", "value"), [("DATABASE_URL", "nonsense"), ("RPC_WORKERS", "many")])
def test_a_bad_setting_is_exit_code_2_and_named(
    desk: Desk, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    result = desk.run("events", "list")
    assert result.exit_code == 2
    assert name in result.stderr
