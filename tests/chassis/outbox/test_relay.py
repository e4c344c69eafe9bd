"""The relay publishes from memory without waiting, marks in batches, and keeps no more than it may."""

import eventlet
import pytest

from chassis.amqp import confirms, relay
from chassis.storage import sent_events
from tests.chassis.outbox.fakes import relaying, wait_until


@pytest.fixture(autouse=True)
def _no_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "purge", lambda _db, _settings: None)


def test_events_go_out_before_earlier_ones_are_confirmed_and_many_are_marked_at_once() -> None:
    with relaying() as relay:
        ids = {each.id for _ in range(3) for each in relay.accept(2)}
        wait_until(lambda: len(relay.broker.published) == 6)
        relay.broker.confirm()
        wait_until(lambda: relay.marked == ids)
        assert len(relay.database.marked) == 1
        assert relay.held == set()


def test_a_full_batch_is_marked_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_events, "BATCH_SECONDS", 3600.0)
    with relaying() as relay:
        relay.accept(sent_events.BATCH)
        wait_until(lambda: len(relay.broker.published) == sent_events.BATCH)
        relay.broker.confirm(1)
        eventlet.sleep(0)
        assert relay.database.marked == []
        relay.broker.confirm()
        wait_until(lambda: len(relay.marked) == sent_events.BATCH)
        assert len(relay.database.marked) == 1


def test_no_more_is_held_than_fits_and_the_rest_is_left_to_the_table() -> None:
    with relaying(relay_memory_events=10) as relay:
        kept = {each.id for _ in range(2) for each in relay.accept(4)}
        relay.accept(4)
        assert relay.held == kept
        wait_until(lambda: len(relay.broker.published) == 8)
        relay.broker.confirm()
        wait_until(lambda: relay.held == set())
        assert relay.marked == kept
        relay.accept(4)
        wait_until(lambda: len(relay.broker.published) == 12)


def test_what_the_broker_does_not_confirm_is_left_to_the_table() -> None:
    with relaying() as relay:
        confirmed, *_ = relay.accept(4)
        wait_until(lambda: len(relay.broker.published) == 4)
        relay.broker.confirm(1)
        relay.broker.refuse(2)
        relay.broker.give_back(3)
        relay.broker.confirm(3)
        relay.broker.disconnect()
        assert relay.held == {confirmed.id}
        wait_until(lambda: relay.marked == {confirmed.id})
        relay.accept(4)
        assert relay.held == set(), "the broker is away"
        relay.broker.connect()
        assert len(relay.broker.all_published) == 4, "they are not published from memory again"


def test_a_broker_that_is_too_slow_gets_nothing_that_waited_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LONGEST_WAIT_SECONDS", -1.0)
    with relaying() as relaying_:
        relaying_.accept()
        wait_until(lambda: relaying_.held == set())
        assert relaying_.broker.all_published == []


def test_a_broker_that_does_not_confirm_loses_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirms, "CONFIRM_SECONDS", 0.05)
    with relaying() as relay:
        relay.accept()
        wait_until(lambda: relay.broker.resets == 1)
        assert relay.held == set()


def test_what_the_database_does_not_mark_is_held_and_marked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_events, "RETRY_SECONDS", 0.01)
    with relaying() as relay:
        relay.database.accepts = False
        ids = {each.id for each in relay.accept(2)}
        wait_until(lambda: len(relay.broker.published) == 2)
        relay.broker.confirm()
        eventlet.sleep(0)
        assert relay.held == ids, "no reader of the table may publish them again"
        relay.database.accepts = True
        wait_until(lambda: relay.marked == ids)
        assert relay.held == set()


def test_a_stopping_relay_publishes_and_marks_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_events, "BATCH_SECONDS", 3600.0)
    with relaying() as relay:
        ids = {each.id for each in relay.accept(3)}
        stopping = eventlet.spawn(relay.worker.stop)
        wait_until(lambda: len(relay.broker.published) == 3)
        ids |= {each.id for each in relay.accept()}  # of a call that ended meanwhile
        wait_until(lambda: len(relay.broker.published) == 4)
        relay.broker.confirm()
        stopping.wait()
        assert relay.marked == ids
        assert len(relay.database.marked) == 1
