"""One desk for all tests of the operators' commands; each finds it empty."""

import dataclasses
import secrets
from collections.abc import Iterator

import pytest
from structlog.testing import CapturingLogger

from chassis.amqp import topology
from chassis.storage.database import database_url
from kit.settings import Settings
from services import migrations
from services.registry import NAMES, all_events
from tests.cli.operations.desk import OPERATOR, Desk
from tests.support.servers import with_database


@pytest.fixture(scope="session")
def own_servers(servers: Settings) -> Iterator[Settings]:
    """Databases and queues of one's own, as `migrate` leaves them; no running service knows them."""
    name = f"{servers.broker_prefix}operations_{secrets.token_hex(3)}"
    settings = dataclasses.replace(
        servers,
        database_url=with_database(servers.database_url, f"{name}_{{service}}"),
        broker_prefix=f"{name}-",
    )
    for service in NAMES:
        url = database_url(settings, service).render_as_string(hide_password=False)
        migrations.upgrade(service, url)
    topology.declare(settings, NAMES, all_events())
    yield settings
    desk = Desk(settings)
    with desk.channel() as channel:
        for queue in desk.queues:
            channel.queue_delete(queue)
        for exchange, _ in topology.exchanges(settings, NAMES):
            channel.exchange_delete(exchange)
    desk.close()


@pytest.fixture
def desk(own_servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The commands in this process, with nothing stuck anywhere."""
    monkeypatch.setenv("AMQP_URL", own_servers.amqp_url)
    monkeypatch.setenv("DATABASE_URL", own_servers.database_url)
    monkeypatch.setenv("BROKER_PREFIX", own_servers.broker_prefix)
    monkeypatch.setenv("MICROTASKS_OPERATOR", OPERATOR)
    for module in ("events", "outbox", "dead_letters", "orders", "queues"):
        monkeypatch.setattr(f"cli.commands.{module}.only_the_answer", lambda: None)
    monkeypatch.setattr("chassis.runtime.audit.log", CapturingLogger())  # only_the_answer silences it
    desk = Desk(own_servers)
    desk.clear()
    yield desk
    desk.close()
