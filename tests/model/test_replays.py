"""Recorded events, shuffled and each delivered twice, lead to the same state as once and in order."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from kit.settings import Settings
from services.catalog.contract import POST_SERVICE
from tests.model.recording import PUBLISHERS, Recorder, lively_week
from tests.model.records import PublishedEvent
from tests.model.testbed import CONTRACTS, do_not_wait_for_disks
from tests.support import codebase
from tests.support.service_harness import Harness, make_service, person
from tests.support.stack import Stack

CONSUMERS = ("accounts", "catalog", "messaging", "orders", "reviews")
FEW, MANY = 4, int(os.environ.get("MODEL_REPLAYS", "100"))
# Times and ids that a consumer gives out itself; everything else must be equal.
OWN = {
    "notifications": ("id", "created_at"),
    "threads": ("updated_at",),
    "services": ("created_at", "updated_at", "indexed_at"),
}
PUBLISHED = "SELECT body - 'event_id' - 'occurred_at' - 'notification_id' FROM outbox"
NOT_EMPTIED = {"alembic_version", "categories", "order_history", "operator_acts"}
REFERRED_TO = ("threads", "review_slots", "people", "accounts")  # emptied last, in this order
NOT_COMPARED = {"alembic_version", "idempotency", "inbox", "outbox"}
GIVE_IDS = """
    UPDATE services SET id = CAST(:id AS uuid), provider_id = CAST(:by AS uuid) WHERE id = CAST(:was AS uuid)
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
State = dict[str, Counter[str]]


@pytest.fixture(scope="module")
def week(stack: Stack, servers: Settings) -> list[PublishedEvent]:
    """What a real run published."""
    recorder = Recorder(servers)
    asyncio.run(lively_week(stack.url))
    return recorder.events()


@pytest.fixture(scope="module")
def consumers() -> Iterator[dict[str, Harness]]:
    """Every service that consumes events, each on a database of its own."""
    with ExitStack() as opened:
        made = {name: opened.enter_context(make_service(name)) for name in CONSUMERS}
        for service in made.values():
            do_not_wait_for_disks(service)
        yield made


def reset(service: Harness, events: list[PublishedEvent]) -> None:
    """An empty database; the catalog has the services that are going to be rated."""
    tables = {row[0] for row in service.execute(TABLES)} - NOT_EMPTIED
    for table in sorted(tables, key=lambda name: REFERRED_TO.index(name) if name in REFERRED_TO else -1):
        service.execute(f'DELETE FROM "{table}"')
    if service.name == "catalog":
        rated = {e.body["subject_id"] for e in events if e.body.get("subject") == "service"}
        [provider_id] = {e.body["subject_id"] for e in events if e.body.get("subject") == "provider"}
        for service_id in sorted(rated):
            _post(service, provider_id, service_id)


def _post(catalog: Harness, provider_id: str, service_id: str) -> None:
    price = {"amount": 4500, "currency": "EUR"}
    offer = {"title": "Proofreading", "description": "I read it all twice.", "category": "writing"}
    provider = person("Łukasz 明")
    posted = catalog.call_as(provider, POST_SERVICE, **offer, price=price, delivery_days=3, revisions=2)
    catalog.execute("DELETE FROM outbox")
    catalog.execute("DELETE FROM providers")
    ids = {"id": service_id, "by": provider_id, "was": posted["id"]}
    catalog.execute(GIVE_IDS, **ids)


def replay(service: Harness, events: list[PublishedEvent]) -> State:
    """What the service's tables hold after these deliveries."""
    reset(service, events)
    for event in events:
        service.deliver(CONTRACTS[event.owner, event.type], event=event.body)
    assert service.failed_events() == []
    tables = {row[0] for row in service.execute(TABLES)} - {
        "outbox",
        "inbox",
        "idempotency",
        "alembic_version",
    }
    state = {table: _rows(service, table) for table in sorted(tables)}
    if service.name == "messaging":
        state["published"] = Counter(json.dumps(row[0], sort_keys=True) for row in service.execute(PUBLISHED))
    return state


def _rows(service: Harness, table: str) -> Counter[str]:
    without = "".join(f" - '{column}'" for column in OWN.get(table, ()))
    rows: list[Any] = service.execute(f'SELECT to_jsonb(found){without} FROM "{table}" AS found')
    return Counter(json.dumps(row[0], sort_keys=True) for row in rows)


def check_replays(service: Harness, events: list[PublishedEvent], times: int, seed: int) -> None:
    """Any order of the events, each twice, leads to the same state as once and in order."""
    expected = replay(service, events)

    @seeded(seed)
    @settings(
        max_examples=times,
        phases=(Phase.generate,),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.permutations(range(2 * len(events))))
    def same_state(order: list[int]) -> None:
        found = replay(service, [events[n % len(events)] for n in order])
        for table, rows in expected.items():
            assert found[table] == rows, f"{table}: {found[table] - rows} instead of {rows - found[table]}"

    same_state()


def _consumed(week: list[PublishedEvent], consumer: str) -> list[PublishedEvent]:
    return [event for event in week if consumer in CONTRACTS[event.owner, event.type].consumers]


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("times", [FEW, pytest.param(MANY, marks=pytest.mark.faults)], ids=["few", "many"])
def test_shuffled_and_doubled_events_lead_to_the_same_state(
    week: list[PublishedEvent], consumers: dict[str, Harness], consumer: str, times: int
) -> None:
    consumed = _consumed(week, consumer)
    assert len({event.type for event in consumed}) > 1, "too few events for this consumer"
    check_replays(consumers[consumer], consumed, times, seed=1)


def test_a_week_holds_every_event_that_its_publishers_owe_somebody(week: list[PublishedEvent]) -> None:
    owed = {(event.owner, event.type) for event in codebase.events() if event.consumers}
    missing = owed - {(event.owner, event.type) for event in week}
    # Days must pass before a customer is reminded: the model's clocks do that.
    assert {type_ for owner, type_ in missing if owner in PUBLISHERS} == {"order_reminder_due"}
