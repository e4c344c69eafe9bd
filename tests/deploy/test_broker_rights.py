"""Who may do what at the broker: exactly what the code needs, and no more."""

import base64
import http.server
import json
import os
import re
import threading
from secrets import token_hex
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from chassis.amqp import topology
from cli import broker_rights
from cli.broker_rights import (
    DEFAULT_EXCHANGE,
    GATEWAY,
    MIGRATE,
    OPERATIONS,
    Rights,
    all_rights,
    definitions,
    read_password,
)
from kit.settings import BadSetting, Settings
from tests.contracts.test_rpc import remote_calls
from tests.support import codebase
from tests.support.servers import free_port

SETTINGS = Settings()
RIGHTS = {rights.user: rights for rights in all_rights(SETTINGS)}
CALLS = topology.rpc_exchange(SETTINGS)


def may(pattern: str, name: str) -> bool:
    """Whether RabbitMQ would let it pass: patterns are searched for."""
    return re.search(pattern, name) is not None


def may_call(rights: Rights, service: str) -> bool:
    """Whether a user may publish any call to a service."""
    return may(rights.write, CALLS) and may(rights.topics[CALLS][0], f"{service}.any_method")


def called_by(service: str) -> set[str]:
    """The methods of others that a service calls, itself or by a shared module that it imports."""
    sources = "".join(path.read_text() for path in (codebase.ROOT / "services" / service).rglob("*.py"))
    return {
        call.contract.routing_key
        for call in remote_calls()
        if call.place.startswith(f"services.{service}.")
        or f"from {call.place.partition(':')[0]} import" in sources
    }


def test_there_is_a_user_for_every_service_the_gateway_migrations_and_operators() -> None:
    assert set(RIGHTS) == {*codebase.SERVICES, GATEWAY, MIGRATE, OPERATIONS} == set(broker_rights.USERS)


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_may_call_what_its_code_calls(service: str) -> None:
    called = called_by(service)
    write, (may_publish, _) = RIGHTS[service].write, RIGHTS[service].topics[CALLS]
    assert {r.routing_key for r in codebase.rpcs() if may(may_publish, r.routing_key)} == called
    assert may(write, CALLS) and not any(may_call(RIGHTS[service], other) for other in codebase.SERVICES)


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_reads_its_own_queues_and_publishes_its_own_events_only(service: str) -> None:
    rights = RIGHTS[service]
    mine = {topology.rpc_queue(SETTINGS, service)}
    mine |= {topology.event_queue(SETTINGS, e, service) for e in codebase.events() if service in e.consumers}
    everything = set(topology.queue_names(SETTINGS, codebase.SERVICES, codebase.events()))
    assert {queue for queue in everything if may(rights.read, queue)} == mine
    exchanges = {topology.events_exchange(SETTINGS, owner) for owner in codebase.SERVICES}
    assert {e for e in exchanges if may(rights.write, e)} == {topology.events_exchange(SETTINGS, service)}
    assert not any(may(rights.read, e) for e in exchanges), "else it could bind a queue of its own"
    assert not any(may(rights.configure, name) for name in everything | exchanges | {CALLS})


@pytest.mark.parametrize("user", [*codebase.SERVICES, GATEWAY, OPERATIONS])
def test_nobody_can_bind_a_queue_to_the_calls_or_the_replies_of_others(user: str) -> None:
    may_bind = RIGHTS[user].topics[CALLS][1]
    for service in codebase.SERVICES:
        assert not may(may_bind, f"{service}.any_method")
        assert not may(may_bind, f"{service}.*")
        assert may(may_bind, f"reply.*.{service}-1a2b") in {False, service == user}
        assert may(may_bind, f"reply.{service}-1a2b") in {False, service == user}
    for key in ("#", "reply.*", "reply.#", "reply.*.*", "reply.*.#", f"reply.*.{user}-1.#"):
        assert not may(may_bind, key), key


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_replies_under_its_own_name_only(service: str) -> None:
    may_publish = RIGHTS[service].topics[CALLS][0]
    for other in codebase.SERVICES:
        for caller in ("gateway-1a2b", f"{service}-1a2b", "operations-1a2b"):
            assert may(may_publish, f"reply.{other}.{caller}") == (other == service)
    assert not may(may_publish, f"reply.{service}.gateway-1.more")


def test_the_gateway_calls_everybody_and_hears_live_events_only() -> None:
    gateway = RIGHTS[GATEWAY]
    assert all(may_call(gateway, service) for service in codebase.SERVICES)
    for event in codebase.events():
        write, read = gateway.topics.get(topology.events_exchange(SETTINGS, event.owner), ("^$", "^$"))
        for key in (event.type, f"{event.type}.*", *event.binding_keys()):
            assert may(read, key) == (event.live and key in event.binding_keys())
            assert not may(write, key)
        for key in ("#", "*", f"{event.type}.#", f"{event.type}x1", f"{event.type}.*.*"):
            assert not may(read, key), key


def test_gateways_alone_tell_each_other_what_they_counted() -> None:
    exchange = topology.gateways_exchange(SETTINGS)
    assert {user for user, rights in RIGHTS.items() if may(rights.write, exchange)} == {GATEWAY}
    assert {user for user, rights in RIGHTS.items() if may(rights.read, exchange)} == {GATEWAY}
    assert {user for user, rights in RIGHTS.items() if may(rights.configure, exchange)} == {MIGRATE}
    queue = "live-gateway-counts-1a2b"
    for right in (RIGHTS[GATEWAY].configure, RIGHTS[GATEWAY].write, RIGHTS[GATEWAY].read):
        assert may(right, queue)


def test_migrations_declare_everything_and_publish_nothing() -> None:
    migrate = RIGHTS[MIGRATE]
    for queue in topology.queue_names(SETTINGS, codebase.SERVICES, codebase.events()):
        assert may(migrate.configure, queue)
    assert not any(may_call(migrate, service) for service in codebase.SERVICES)
    assert not any(may(migrate.read, topology.rpc_queue(SETTINGS, service)) for service in codebase.SERVICES)


def test_operators_take_dead_letters_only_and_declare_nothing_that_is_shared() -> None:
    operations = RIGHTS[OPERATIONS]
    everything = set(topology.queue_names(SETTINGS, codebase.SERVICES, codebase.events()))
    dead_letter_queues = {topology.dead_letter_queue(SETTINGS, service) for service in codebase.SERVICES}
    assert {queue for queue in everything if may(operations.read, queue)} == dead_letter_queues
    assert may(operations.write, DEFAULT_EXCHANGE), "by which an event goes to one queue"
    assert all(may_call(operations, service) for service in codebase.SERVICES)
    exchanges = {topology.events_exchange(SETTINGS, owner) for owner in codebase.SERVICES}
    assert not any(may(operations.write, name) or may(operations.read, name) for name in exchanges)
    assert not any(may(operations.configure, name) for name in everything | exchanges | {CALLS})


@pytest.mark.parametrize("user", [*codebase.SERVICES, GATEWAY, MIGRATE])
def test_nobody_but_operators_publishes_past_the_exchanges_into_a_queue(user: str) -> None:
    assert not may(RIGHTS[user].write, DEFAULT_EXCHANGE)


def test_the_document_holds_no_password_in_clear() -> None:
    document = str(definitions(SETTINGS, {"orders": "planted-canary"}))
    assert "planted-canary" not in document
    assert "rabbit_password_hashing_sha256" in document


def test_production_refuses_a_demo_password_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_PASSWORD_ORDERS", "demo-orders")
    assert read_password("RABBITMQ_PASSWORD_ORDERS", is_production=False) == "demo-orders"
    with pytest.raises(BadSetting, match="RABBITMQ_PASSWORD_ORDERS"):
        read_password("RABBITMQ_PASSWORD_ORDERS", is_production=True)
    with pytest.raises(BadSetting, match="RABBITMQ_PASSWORD_REVIEWS is missing"):
        read_password("RABBITMQ_PASSWORD_REVIEWS", is_production=False)


def test_a_missing_password_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_PASSWORD", raising=False)
    result = CliRunner().invoke(broker_rights.main)
    assert result.exit_code == 2
    assert "RABBITMQ_PASSWORD is missing." in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def own_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("", *(f"_{user.upper()}" for user in broker_rights.USERS)):
        monkeypatch.setenv(f"RABBITMQ_PASSWORD{user}", token_hex(16))


@pytest.mark.usefixtures("own_passwords")
def test_production_refuses_the_demo_cookie_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("RABBITMQ_ERLANG_COOKIE", "demo-cookie")
    result = CliRunner().invoke(broker_rights.main)
    assert result.exit_code == 2
    assert "RABBITMQ_ERLANG_COOKIE: production refuses" in result.output


@pytest.mark.usefixtures("own_passwords")
def test_an_absent_broker_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", f"http://127.0.0.1:{free_port()}")
    result = CliRunner().invoke(broker_rights.main)
    assert result.exit_code == 1
    assert "management page cannot be reached" in result.output


class Management(http.server.BaseHTTPRequestHandler):
    """RabbitMQ's management page, as far as signing in and taking definitions go."""

    password = ""
    taken: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        signed_in = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
        is_right = signed_in == f"operator:{self.password}"
        if is_right:
            self.taken.append(document)
        self.send_response(204 if is_right else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("own_passwords")
@pytest.mark.parametrize(("known_as", "code"), [("own", 0), ("demo-operator", 0), ("another", 1)])
def test_the_operators_password_of_an_earlier_release_is_replaced(
    monkeypatch: pytest.MonkeyPatch, known_as: str, code: int
) -> None:
    own = os.environ["RABBITMQ_PASSWORD"]
    monkeypatch.setattr(Management, "password", own if known_as == "own" else known_as)
    monkeypatch.setattr(Management, "taken", [])
    with http.server.HTTPServer(("127.0.0.1", 0), Management) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", f"http://127.0.0.1:{server.server_port}")
        result = CliRunner().invoke(broker_rights.main)
        server.shutdown()
    assert result.exit_code == code, result.output
    operators = [u for document in Management.taken for u in document["users"] if u["name"] == "operator"]
    assert [one["tags"] for one in operators] == ([["administrator"]] if code == 0 else [])
    assert own not in str(Management.taken)


@pytest.mark.parametrize("word", ["prod", ""])
def test_an_unknown_environment_stops_it(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("ENVIRONMENT", word)
    result = CliRunner().invoke(broker_rights.main)
    assert result.exit_code == 2
    assert "ENVIRONMENT" in result.output
