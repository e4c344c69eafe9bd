"""Every published event is settled once, and as confirmed only if the broker has it."""

import pytest

from chassis.amqp import confirms as confirms_module
from chassis.amqp.confirms import Confirms
from chassis.storage.recorded import RecordedEvent
from kit.errors import Unavailable
from tests.chassis.outbox.fakes import FakeBroker, event


class Publishing:
    """Publishes, and keeps what became of it."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.confirms = Confirms(self.broker)  # type: ignore[arg-type]
        self.broker.connect()
        self.settled: list[tuple[int, bool]] = []

    def publish(self, number: int = 1) -> list[int]:
        events = [event() for _ in range(number)]
        for each in events:
            self.confirms.publish("exchange", each.type, each, True, self._settle)
        return [each.id for each in events]

    def _settle(self, settled: RecordedEvent, confirmed: bool) -> None:
        self.settled.append((settled.id, confirmed))


@pytest.fixture
def publishing() -> Publishing:
    return Publishing()


def test_many_are_published_before_the_first_is_confirmed(publishing: Publishing) -> None:
    first, second, third, fourth = publishing.publish(4)
    assert publishing.settled == []
    publishing.broker.confirm(2)
    assert publishing.settled == [(second, True)]
    publishing.broker.confirm()
    assert publishing.settled[1:] == [(first, True), (third, True), (fourth, True)]
    assert not publishing.confirms.is_waiting
    publishing.broker.confirm()
    assert len(publishing.settled) == 4


def test_what_is_refused_or_has_no_queue_is_not_confirmed(publishing: Publishing) -> None:
    first, second, third = publishing.publish(3)
    publishing.broker.refuse(1)
    publishing.broker.give_back(2)
    publishing.broker.confirm()
    assert publishing.settled == [(first, False), (second, False), (third, True)]


def test_a_lost_connection_settles_what_was_on_its_way_and_the_next_one_numbers_anew(
    publishing: Publishing,
) -> None:
    lost = publishing.publish(2)
    publishing.broker.disconnect()
    assert publishing.settled == [(id_, False) for id_ in lost]
    publishing.broker.connect()
    (kept,) = publishing.publish()
    publishing.broker.confirm(1)
    assert publishing.settled[2:] == [(kept, True)]


def test_a_message_the_broker_would_not_take_does_not_count(publishing: Publishing) -> None:
    publishing.broker.is_ready = False
    with pytest.raises(Unavailable):
        publishing.publish()
    assert publishing.settled == []
    publishing.broker.is_ready = True
    (kept,) = publishing.publish()
    publishing.broker.confirm(1)
    assert publishing.settled == [(kept, True)]


def test_a_connection_lost_while_a_message_is_written_settles_it_once(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        publishing.broker.disconnect()
        publishing.broker.connect()
        raise Unavailable("The message broker is not accepting messages.")

    with monkeypatch.context() as patch:
        patch.setattr(publishing.broker, "publish", lose)
        (lost,) = publishing.publish()
    (kept,) = publishing.publish()
    publishing.broker.confirm(1)
    assert publishing.settled == [(lost, False), (kept, True)]


def test_a_broker_that_confirms_too_late_loses_its_connection_once(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publishing.confirms.seconds_left is None
    publishing.publish()
    publishing.confirms.reset_if_late()
    assert publishing.broker.resets == 0
    monkeypatch.setattr(confirms_module, "CONFIRM_SECONDS", 0.0)
    publishing.broker.confirm()
    (late,) = publishing.publish()
    for _ in range(2):
        publishing.confirms.reset_if_late()
    assert publishing.broker.resets == 1
    assert publishing.settled[1:] == [(late, False)]
    assert publishing.confirms.seconds_left is None
