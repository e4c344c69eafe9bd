"""An event is published once, delivered once to each consumer that acts on it, in one transaction at most."""

import asyncio

import pytest

from services.registry import all_events
from tests.counts.counting import HANDLED, PUBLISHED, TRANSACTIONS, Counts, counting
from tests.counts.lived_in import lived_in
from tests.load.draining import Draining, expected
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def lifecycle(stack: Stack) -> tuple[Counts, Draining]:
    """What one whole order, from the sign-ups to the review, caused in all processes."""

    async def live() -> None:
        async with lived_in(stack):
            await asyncio.to_thread(Draining(database_url).wait)

    def database_url(name: str) -> str:
        return str(stack.environment["DATABASE_URL"]).replace("{service}", name)

    draining = Draining(database_url)
    draining.wait()  # also for what tests before this one caused
    with counting(stack) as counts:
        asyncio.run(live())
    return counts, draining


def test_every_recorded_event_is_published_once(lifecycle: tuple[Counts, Draining]) -> None:
    counts, draining = lifecycle
    published = {subject: count for (_, subject), count in counts.by_subject(PUBLISHED).items()}
    recorded = {event.type: sum(draining.recorded(event).values()) for event in all_events()}
    assert published == {type_: count for type_, count in recorded.items() if count}
    assert recorded["order_status_changed"] == 5, "two submissions and three steps"


def test_an_event_goes_once_to_each_consumer_that_acts_on_it(lifecycle: tuple[Counts, Draining]) -> None:
    counts, draining = lifecycle
    deliveries = {
        (consumer, f"{event.owner}.{event.type}"): expected(event, consumer, draining.recorded(event))
        for event in all_events()
        for consumer in event.consumers
    }
    assert counts.by_subject(HANDLED) == {key: count for key, count in deliveries.items() if count}
    assert deliveries["accounts", "orders.order_status_changed"] == 1, "completion only"
    assert deliveries["messaging", "orders.order_status_changed"] == 5


def test_a_delivery_is_one_transaction_at_most(lifecycle: tuple[Counts, Draining]) -> None:
    counts, _ = lifecycle
    handled = counts.by_subject(HANDLED)
    transactions = counts.by_subject(TRANSACTIONS)
    for (service, subject), deliveries in handled.items():
        call = f"{service}.on_{subject.partition('.')[2]}"
        assert 0 < transactions.get((service, call), 0) <= deliveries, (service, subject)
