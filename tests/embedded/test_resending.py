"""Events that the in-process broker forgot go out again; those that everybody has do not."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uuid6
from sqlalchemy import Engine, insert, select

from chassis.storage.database import database_url, make_engine
from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from embedded.broker.resending import resend_lost_events
from kit.settings import Settings
from services import migrations
from services.orders.contract import ORDER_STATUS_CHANGED
from tests.support.servers import with_database

CONSUMER = "orders.order_status_changed"
CONSUMERS = tuple(ORDER_STATUS_CHANGED.consumers)
COMPLETED = {"to_status": 4}
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def settings(servers: Settings) -> Settings:
    """Databases of one's own: no running service publishes what is planted in them."""
    name = f"{servers.broker_prefix}resending_{{service}}"
    return dataclasses.replace(servers, database_url=with_database(servers.database_url, name))


@pytest.fixture(scope="module")
def engines(settings: Settings) -> Iterator[dict[str, Engine]]:
    made = {}
    for name in ("orders", *CONSUMERS):
        migrations.upgrade(name, database_url(settings, name).render_as_string(hide_password=False))
        made[name] = make_engine(settings, name)
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def sent(engines: dict[str, Engine]) -> Callable[..., str]:
    """Records an event as sent, and as taken by the named consumers."""

    def record(
        taken_by: Any = (), failed_at: Any = (), created_at: datetime = NOW, body: Any = COMPLETED
    ) -> str:
        event_id = str(uuid6.uuid7())
        row = {"event_id": event_id, "type": ORDER_STATUS_CHANGED.type, "body": body, "context": {}}
        with engines["orders"].begin() as connection:
            connection.execute(insert(OUTBOX).values(**row, created_at=created_at, sent_at=NOW))
        for name in taken_by:
            with engines[name].begin() as connection:
                connection.execute(insert(INBOX).values(consumer=CONSUMER, event_id=event_id))
        for name in failed_at:
            failure = {"consumer": CONSUMER, "event_id": event_id, "type": row["type"], "body": {}}
            with engines[name].begin() as connection:
                connection.execute(insert(FAILED_EVENTS).values(**failure, attempts=1, error="no"))
        return event_id

    return record


@pytest.fixture
def is_waiting(engines: dict[str, Engine]) -> Callable[[str], bool]:
    def ask(event_id: str) -> bool:
        with engines["orders"].connect() as connection:
            found = connection.execute(select(OUTBOX.c.sent_at).where(OUTBOX.c.event_id == event_id))
            return found.scalar_one() is None

    return ask


@pytest.mark.servers
def test_what_one_consumer_lacks_is_sent_again(settings: Settings, sent: Any, is_waiting: Any) -> None:
    lacking = sent(taken_by=CONSUMERS[:-1])
    complete = sent(taken_by=CONSUMERS)
    assert resend_lost_events(settings, [ORDER_STATUS_CHANGED]) == 1
    assert is_waiting(lacking)
    assert not is_waiting(complete)


@pytest.mark.servers
def test_what_a_consumer_does_not_act_on_was_never_meant_for_it(
    settings: Settings, sent: Any, is_waiting: Any
) -> None:
    complete = sent(taken_by=["messaging"], body={"to_status": 1})
    lacking = sent(taken_by=CONSUMERS[1:], body={"to_status": 1})
    resend_lost_events(settings, [ORDER_STATUS_CHANGED])
    assert not is_waiting(complete)
    assert is_waiting(lacking)


@pytest.mark.servers
def test_a_single_one_is_found_among_many(settings: Settings, sent: Any, is_waiting: Any) -> None:
    many = [sent(taken_by=CONSUMERS) for _ in range(20)]
    lost = [sent(taken_by=CONSUMERS[1:]), sent(taken_by=CONSUMERS[:1])]
    many += [sent(taken_by=CONSUMERS) for _ in range(20)]
    resend_lost_events(settings, [ORDER_STATUS_CHANGED])
    assert [is_waiting(event) for event in many] == [False] * len(many)
    assert [is_waiting(event) for event in lost] == [True, True]


@pytest.mark.servers
def test_what_failed_at_a_consumer_is_retried_there_and_not_sent_again(
    settings: Settings, sent: Any, is_waiting: Any
) -> None:
    failed = sent(taken_by=CONSUMERS[:-1], failed_at=CONSUMERS[-1:])
    resend_lost_events(settings, [ORDER_STATUS_CHANGED])
    assert not is_waiting(failed)


@pytest.mark.servers
def test_what_inboxes_may_have_forgotten_is_never_sent_again(
    settings: Settings, sent: Any, is_waiting: Any
) -> None:
    sent_again_since = sent(created_at=NOW - timedelta(days=settings.retention_days))
    resend_lost_events(settings, [ORDER_STATUS_CHANGED])
    assert not is_waiting(sent_again_since)
