"""A service's broker password in the wrong hands: what RabbitMQ refuses, and what callers do not believe."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from cli.broker_rights import USERS, definitions
from gateway.contracts import live_events
from gateway.upstream.connection import AmqpConnection
from gateway.upstream.event_feed import AmqpEventFeed
from gateway.upstream.rpc_client import AmqpRpcClient, CallHeaders
from kit.contracts import Rpc
from kit.metrics import RPC_REPLIES_REFUSED
from kit.replies import reply_address
from kit.settings import Settings
from services.catalog.contract import GET_SERVICE
from tests.compose.expected import LEAST_REFUSED, allowed_at_the_broker
from tests.gateway.amqp_testbed import until
from tests.support import codebase
from tests.support.private_rabbit import RabbitServer
from tests.support.servers import broker_connection, eventually, not_run

CALLS = topology.rpc_exchange(Settings())
EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A node with the users and rights of a real installation; each user's password is its name."""
    if not RabbitServer.is_installed():
        not_run("installed RabbitMQ to give rights to")
    rabbit = RabbitServer(tmp_path_factory.mktemp("rights") / "rabbit")
    document = definitions(Settings(), {user: user for user in (*USERS, "guest")})
    document["vhosts"] = [{"name": "/"}]
    document["permissions"].append({"user": "guest", "vhost": "/", **EVERYTHING})
    file = rabbit.folder / "definitions.json"
    file.write_text(json.dumps(document))
    file.chmod(0o644)
    with (rabbit.folder / "rabbitmq.conf").open("a") as configuration:
        configuration.write(f"load_definitions = {file}\n")
    try:
        rabbit.start()
        topology.declare(
            Settings(amqp_url=url_of(rabbit, "migrate")), codebase.SERVICES, list(codebase.events())
        )
        yield rabbit
    finally:
        rabbit.close()


def url_of(rabbit: RabbitServer, user: str) -> str:
    return f"amqp://{user}:{user}@127.0.0.1:{rabbit.port}//"


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_it_opens_nothing_that_is_not_the_services_own(rabbit: RabbitServer, service: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, codebase.ROOT / "tests" / "compose" / "intruder.py", service],
        env=environment | {"AMQP_URL": url_of(rabbit, service)},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    outcomes = json.loads(done.stdout)
    allowed = {name for name, outcome in outcomes.items() if outcome == "allowed"}
    assert allowed == allowed_at_the_broker(service)
    assert len(outcomes) >= len(allowed) + LEAST_REFUSED


class Stolen:
    """Orders' password in an attacker's hands."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.channel = connection.channel()

    def send(self, key: str, properties: dict[str, Any]) -> None:
        """Publishes a forged reply to the calls' exchange."""
        message = amqp.Message(json.dumps({"result": "forged", "error": None}), **properties)
        self.channel.basic_publish_confirm(message, exchange=CALLS, routing_key=key)

    def send_by_copy(self, key: str, properties: dict[str, Any]) -> None:
        """The broker compares the routing key with the user's rights, not those of further copies."""
        self.send("reply.orders.x", {**properties, "application_headers": {"CC": [key]}})

    def send_by_dead_letter(self, key: str, properties: dict[str, Any]) -> None:
        """The broker asks for a right to the dead-letter exchange, not for one to the new routing key."""
        name = "rpc.reply.orders-1"
        arguments = {
            "x-dead-letter-exchange": CALLS,
            "x-dead-letter-routing-key": key,
            "x-message-ttl": 0,
        }
        self.channel.queue_declare(name, exclusive=True, auto_delete=False, arguments=arguments)
        self.channel.queue_bind(name, CALLS, "reply.*.orders-1")
        self.send("reply.orders.orders-1", properties)


async def ask_catalog(rabbit: RabbitServer, forge: Callable[[Stolen, str, dict[str, Any]], None]) -> Any:
    """The gateway calls the catalog; orders' password forges a reply, knowing all that is secret."""
    settings = Settings(amqp_url=url_of(rabbit, "gateway"), rpc_deadline_seconds=10.0)
    rpc, feed = AmqpRpcClient(settings), AmqpEventFeed(settings, live_events())
    broker = AmqpConnection(settings.amqp_url, rpc, feed)
    await broker.start()
    try:
        await until(lambda: broker.is_connected)
        call = asyncio.create_task(rpc.call(GET_SERVICE, CallHeaders(), service_id="s"))
        await asyncio.to_thread(answer, rabbit, GET_SERVICE, forge)
        return (await call).result
    finally:
        await broker.stop()


def answer(rabbit: RabbitServer, contract: Rpc, forge: Callable[[Stolen, str, dict[str, Any]], None]) -> None:
    """Takes the call as its service, lets the forger go first, and replies."""
    with (
        closing(broker_connection(url_of(rabbit, contract.service))) as true,
        closing(broker_connection(url_of(rabbit, "orders"))) as stolen,
    ):
        channel = true.channel()
        queue = topology.rpc_queue(Settings(), contract.service)
        taken: list[Any] = []

        def is_called() -> bool:
            taken.append(channel.basic_get(queue, no_ack=True))
            return taken[-1] is not None and "reply_to" in taken[-1].properties

        eventually(is_called, 10, "the call")
        reply_to, properties = taken[-1].reply_to, {"correlation_id": taken[-1].correlation_id}
        assert reply_to.startswith(reply_address(contract.service, "gateway-"))
        forge(Stolen(stolen), reply_to, properties)
        body = json.dumps({"result": "true", "error": None})
        channel.basic_publish_confirm(amqp.Message(body, **properties), exchange=CALLS, routing_key=reply_to)


def refused(reason: str) -> float:
    return float(RPC_REPLIES_REFUSED.labels(reason)._value.get())


def test_a_reply_of_another_service_is_refused_by_the_broker(rabbit: RabbitServer) -> None:
    def forge(stolen: Stolen, key: str, properties: dict[str, Any]) -> None:
        with pytest.raises(amqp.exceptions.AccessRefused):
            stolen.send(key, properties)

    assert asyncio.run(ask_catalog(rabbit, forge)) == "true"


@pytest.mark.parametrize(
    ("way", "reason"),
    [(Stolen.send_by_copy, "wrong_service"), (Stolen.send_by_dead_letter, "dead_lettered")],
    ids=("a copy", "a dead letter"),
)
def test_a_reply_that_gets_past_the_brokers_rights_is_not_believed(
    rabbit: RabbitServer, way: Callable[[Stolen, str, dict[str, Any]], None], reason: str
) -> None:
    before = refused(reason)
    assert asyncio.run(ask_catalog(rabbit, way)) == "true"
    assert refused(reason) == before + 1, "the forged one did reach the gateway's queue"
