"""The in-process broker's own rules, where no channel is needed to see them."""

import pytest
from amqp.exceptions import NotFound, PreconditionFailed

from embedded.broker.broker import Broker, topic_matches


@pytest.mark.parametrize(
    ("binding", "key", "fits"),
    [
        ("#", "", True),
        ("#.#", "a", True),
        ("*", "", True),
        ("*.*", "a", False),
        ("a.#.#.b", "a.b", True),
        ("a.*.#", "a", False),
        ("a.*.#", "a.b", True),
        ("#.a.#", "b.a.c", True),
        ("#.a.#", "b.c", False),
    ],
)
def test_wildcards_stand_for_words(binding: str, key: str, fits: bool) -> None:
    assert topic_matches(binding, key) is fits


def test_virtual_hosts_share_nothing_and_connections_to_one_share_all() -> None:
    assert Broker.named("/one/") is Broker.named("one")
    assert Broker.named("one") is not Broker.named("two")
    Broker.forget("one")
    Broker.forget("two")


def test_an_exchange_is_not_redeclared_differently() -> None:
    broker = Broker()
    broker.declare_exchange("x", "topic")
    with pytest.raises(PreconditionFailed):
        broker.declare_exchange("x", "fanout")


def test_unknown_names_are_not_found() -> None:
    broker = Broker()
    for ask in (broker.queue, broker.exchange):
        with pytest.raises(NotFound):
            ask("unknown")


def test_a_deleted_queue_gets_nothing_more() -> None:
    broker = Broker()
    broker.declare_exchange("x", "fanout")
    broker.declare_queue("q")
    broker.bind("q", "x", "")
    assert broker.publish("x", "any", b"1", {})
    assert broker.delete_queue("q") == 1
    assert not broker.publish("x", "any", b"2", {})
    assert broker.delete_queue("q") == 0


def test_an_unbound_queue_gets_nothing_more() -> None:
    broker = Broker()
    broker.declare_exchange("x", "direct")
    broker.declare_queue("q")
    broker.bind("q", "x", "key")
    broker.unbind("q", "x", "key")
    assert not broker.publish("x", "key", b"1", {})
