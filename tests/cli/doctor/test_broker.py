"""The doctor finds at the broker what is missing, different, unread or stuck, and changes nothing."""

import contextlib
import dataclasses
import secrets
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from amqp.exceptions import NotFound

from chassis.amqp import topology
from cli.doctor.broker import examine_broker
from cli.doctor.checks import Finding, Result
from cli.support.broker import ANSWER_SECONDS
from kit.settings import Settings
from tests.support import codebase
from tests.support.servers import broker_connection, eventually, free_port

SERVICES = ("orders", "reviews")


@pytest.fixture
def broker(servers: Settings) -> Iterator[Settings]:
    """Names of one's own at the broker, undeclared, and gone at the end."""
    settings = dataclasses.replace(servers, broker_prefix=f"doctor-{secrets.token_hex(3)}-")
    yield settings
    with channel(settings) as open_channel:
        for queue in topology.queue_names(settings, codebase.SERVICES, codebase.events()):
            open_channel.queue_delete(queue)
        for service in codebase.SERVICES:
            open_channel.exchange_delete(topology.events_exchange(settings, service))
        open_channel.exchange_delete(topology.rpc_exchange(settings))
        open_channel.exchange_delete(topology.dead_letter_exchange(settings))


@pytest.fixture
def declared(broker: Settings) -> Settings:
    """The same, as `migrate` leaves it."""
    topology.declare(broker, codebase.SERVICES, list(codebase.events()))
    return broker


@contextlib.contextmanager
def channel(settings: Settings) -> Iterator[Any]:
    with contextlib.closing(broker_connection(settings.amqp_url)) as connection:
        yield connection.channel()


def look(settings: Settings) -> list[Finding]:
    return list(examine_broker(settings, SERVICES))


def one(findings: list[Finding], subject: str, check: str) -> Finding:
    (found,) = [f for f in findings if (f.subject, f.check) == (subject, check)]
    return found


def test_what_was_never_declared_is_missing_and_stays_so(broker: Settings) -> None:
    for _ in range(2):
        findings = look(broker)
        assert one(findings, "broker", "reachable").result is Result.OK
        for subject, check in (("broker", "exchanges"), ("orders queues", "queues")):
            missing = one(findings, subject, check)
            assert missing.result is Result.FAILED
            assert "missing" in missing.found
            assert "migrate" in missing.advice
    with channel(broker) as open_channel, pytest.raises(NotFound):
        open_channel.queue_declare(topology.rpc_queue(broker, "orders"), passive=True)


def test_what_migrate_declares_is_what_is_expected(declared: Settings) -> None:
    findings = list(examine_broker(declared, codebase.SERVICES))
    assert {f.check for f in findings if f.result is Result.FAILED} == {"consumers"}
    assert one(findings, "broker", "alarms").result is Result.OK


def test_a_service_without_a_consumer_is_not_running(declared: Settings) -> None:
    found = one(look(declared), "orders queues", "consumers")
    assert found.result is Result.FAILED
    assert found.advice == "Start `microtasks serve orders`."


def test_one_missing_queue_is_named(declared: Settings) -> None:
    name = topology.dead_letter_queue(declared, "orders")
    with channel(declared) as open_channel:
        open_channel.queue_delete(name)
    found = one(look(declared), "orders queues", "queues")
    assert found.found == f"missing: {name}"


def test_a_queue_of_another_type_is_told_from_a_missing_one(declared: Settings) -> None:
    name = topology.rpc_queue(declared, "orders")
    findings = look(dataclasses.replace(declared, rpc_queue_type="quorum"))
    found = one(findings, "orders queues", "queues")
    assert found.result is Result.FAILED
    assert name in found.found
    assert "x-queue-type" in found.found
    assert "RPC_QUEUE_TYPE" in found.advice


def test_an_exchange_of_another_type_is_told_from_a_missing_one(broker: Settings) -> None:
    name = topology.rpc_exchange(broker)
    with channel(broker) as open_channel:
        open_channel.exchange_declare(name, "fanout", durable=True, auto_delete=False)
    differing = [f for f in look(broker) if f.check == "exchanges" and name in f.found and "type" in f.found]
    assert [f.result for f in differing] == [Result.FAILED]


def test_a_queue_that_a_running_service_does_not_read_is_named(declared: Settings) -> None:
    with channel(declared) as open_channel:
        open_channel.basic_consume(topology.rpc_queue(declared, "reviews"), callback=lambda _: None)
        found = one(look(declared), "reviews queues", "consumers")
    assert found.result is Result.FAILED
    assert "evt-orders.events-order_status_changed--reviews" in found.found
    assert topology.rpc_queue(declared, "reviews") not in found.found


def test_dead_letters_are_counted(declared: Settings) -> None:
    import amqp

    name = topology.dead_letter_queue(declared, "orders")
    with channel(declared) as open_channel:
        for _ in range(2):
            open_channel.basic_publish(amqp.Message("poison"), routing_key=name)
        eventually(lambda: one(look(declared), "orders queues", "dead letters").result is Result.WARNING)
        found = one(look(declared), "orders queues", "dead letters")
    assert found.found == "2 wait."
    assert "`microtasks dead-letters list --service orders`" in found.advice


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("amqp://guest:wrong-word@{host}//", "account"),
        ("amqp://guest:guest@{host}/no-such-host", "virtual host"),
        ("amqp://guest:wrong-word@127.0.0.1:{closed}//", "Start RabbitMQ"),
        ("amqp://guest:wrong-word@host:port//", "AMQP_URL"),
        ("redis://127.0.0.1/1", "AMQP_URL"),
        ("nonsense", "AMQP_URL"),
    ],
)
def test_a_broker_that_cannot_be_used_is_one_finding(servers: Settings, address: str, says: str) -> None:
    host = servers.amqp_url.rpartition("@")[2].split("/")[0]
    filled = address.format(host=host, closed=free_port())
    (found,) = look(dataclasses.replace(servers, amqp_url=filled))
    assert found.result is Result.FAILED
    assert says in found.advice
    assert "wrong-word" not in found.found


def test_a_server_that_says_nothing_does_not_hold_the_doctor_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}//"
        began = time.monotonic()
        (found,) = look(Settings(amqp_url=address))
        assert found.result is Result.FAILED
        assert time.monotonic() - began < 2 * ANSWER_SECONDS + 3
