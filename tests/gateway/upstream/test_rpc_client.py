"""The RPC client against a real broker."""

import asyncio
import json
import time
from contextlib import closing
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from pamqp.commands import Connection
from pamqp.frame import marshal

from chassis.amqp import topology
from gateway.upstream.rpc_client import CallHeaders, Reply
from kit.errors import Conflict, NotFound, RemoteFailure, TimedOut, Unavailable, to_wire
from kit.replies import reply_address
from kit.settings import Settings
from services.orders import contract as orders
from tests.faults.support.poison import unreadable
from tests.gateway.amqp_testbed import DEADLINE_SECONDS, AmqpTestbed, run_on_testbed, until
from tests.support.network import Mode
from tests.support.servers import broker_connection

pytestmark = pytest.mark.servers
HEADERS = CallHeaders(request_id="r1", traceparent="t1", access_token="token", address="192.0.2.1")


async def get_order(testbed: AmqpTestbed, headers: CallHeaders = HEADERS) -> Reply:
    return await testbed.rpc.call(orders.GET_ORDER, headers, order_id="o1")


def test_a_call_and_its_reply_are_in_namekos_wire_format(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        seen: list[AbstractIncomingMessage] = []

        def answer(message: AbstractIncomingMessage) -> dict[str, str]:
            seen.append(message)
            return {"id": "o1"}

        await testbed.respond("orders", answer)
        headers = CallHeaders("r1", "t1", "token", "192.0.2.1", "k1", "f1", "a1")
        assert await get_order(testbed, headers) == Reply({"id": "o1"}, replayed=False)
        (message,) = seen
        assert json.loads(message.body) == {"args": [], "kwargs": {"order_id": "o1"}}
        assert message.routing_key == "orders.get_order"
        assert message.exchange == topology.rpc_exchange(testbed.settings)
        assert message.content_type == "application/json"
        assert message.delivery_mode == 1  # transient
        assert message.expiration == DEADLINE_SECONDS
        assert message.reply_to == reply_address("orders", testbed.rpc._client_id)
        assert len(bytes.fromhex(message.correlation_id or "")) == 16
        assert message.headers == {
            "nameko.request_id": "r1",
            "nameko.traceparent": "t1",
            "nameko.access_token": "token",
            "nameko.address": "192.0.2.1",
            "nameko.idempotency_key": "k1",
            "nameko.idempotency_fingerprint": "f1",
            "nameko.idempotency_scope": "a1",
            "nameko.deadline_ms": str(int(DEADLINE_SECONDS * 1000)),
        }

    run_on_testbed(servers, test)


def test_the_error_of_a_service_is_raised_by_the_call(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        error = Conflict("Too late.", code="invalid_transition", current_status=4)
        replies = [
            {"result": None, "error": to_wire(error), "replayed": False},
            {"result": None, "error": {"exc_type": "KeyError", "value": "'x'"}},
            {"result": {"id": "o1"}, "error": None, "replayed": True},
        ]
        await testbed.respond("orders", lambda _: replies.pop(0))
        with pytest.raises(Conflict) as caught:
            await get_order(testbed)
        assert caught.value.code == "invalid_transition"
        assert caught.value.data == {"current_status": 4}
        with pytest.raises(RemoteFailure):
            await get_order(testbed)
        assert (await get_order(testbed)).replayed

    run_on_testbed(servers, test)


def test_many_calls_at_once_each_get_their_own_reply(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        await testbed.respond("orders", lambda message: json.loads(message.body)["kwargs"]["order_id"])
        calls = [testbed.rpc.call(orders.GET_ORDER, HEADERS, order_id=f"o{n}") for n in range(200)]
        assert [reply.result for reply in await asyncio.gather(*calls)] == [f"o{n}" for n in range(200)]

    run_on_testbed(servers, test, deadline_seconds=20.0)


def test_a_service_that_was_never_installed_is_unavailable_at_once(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await get_order(testbed)
        assert time.monotonic() - began < DEADLINE_SECONDS / 2

    run_on_testbed(servers, test)


def test_a_stopped_service_is_unavailable_within_the_deadline_then_at_once_until_it_recovers(
    servers: Settings,
) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        await testbed.declare("orders")
        began = time.monotonic()
        for refused in await asyncio.gather(*(get_order(testbed) for _ in range(3)), return_exceptions=True):
            assert isinstance(refused, Unavailable)
        assert DEADLINE_SECONDS * 0.8 <= time.monotonic() - began < DEADLINE_SECONDS + 1
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await get_order(testbed)
            assert time.monotonic() - began < DEADLINE_SECONDS / 2
        await testbed.respond("orders", lambda _: "back")

        async def is_back() -> bool:
            try:
                return bool((await get_order(testbed)).result == "back")
            except Unavailable:
                return False

        await until(is_back, within=3)

    run_on_testbed(servers, test)


def test_a_slow_service_that_is_running_is_not_unavailable(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        queue = await testbed.declare("orders")

        async def ignore(_: AbstractIncomingMessage) -> None:
            """Consumes the call and never replies."""

        await queue.consume(ignore, no_ack=True)
        for _ in range(2):
            with pytest.raises(TimedOut):
                await get_order(testbed)
            await asyncio.sleep(0.2)

    run_on_testbed(servers, test)


def test_a_lost_connection_fails_calls_in_progress_at_once_and_is_reopened(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        await testbed.declare("orders")
        began = time.monotonic()
        under_way = asyncio.create_task(get_order(testbed))
        await asyncio.sleep(0.1)
        testbed.network.become(Mode.REFUSE)
        with pytest.raises(Unavailable) as lost:
            await under_way
        assert lost.value.code == "connection_lost"
        assert time.monotonic() - began < DEADLINE_SECONDS
        await until(lambda: not testbed.broker.is_connected)
        assert not testbed.rpc.is_ready and not testbed.feed.is_ready
        with pytest.raises(Unavailable):
            await get_order(testbed)
        testbed.network.become(Mode.PASS)
        await until(lambda: testbed.broker.is_connected)
        await testbed.respond("orders", lambda _: "recovered")
        assert (await get_order(testbed)).result == "recovered"

    run_on_testbed(servers, test)


def test_while_the_broker_is_blocked_calls_are_refused_at_once_and_never_carried_out(
    servers: Settings,
) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        calls: list[str] = []

        def answer(message: AbstractIncomingMessage) -> dict[str, str]:
            calls.append(str(message.routing_key))
            return {}

        await testbed.respond("orders", answer)
        await get_order(testbed)
        testbed.network.say(marshal(Connection.Blocked(reason="low on disk"), 0))
        await until(lambda: _is_refused(testbed))
        carried_out = len(calls)
        for _ in range(5):
            assert await _is_refused(testbed)
        testbed.network.say(marshal(Connection.Unblocked(), 0))
        await until(lambda: _is_answered(testbed))
        assert len(calls) == carried_out + 1, "only the call after the end of the alarm"

    run_on_testbed(servers, test)


async def _is_refused(testbed: AmqpTestbed) -> bool:
    try:
        await get_order(testbed)
    except Unavailable:
        return True
    return False


async def _is_answered(testbed: AmqpTestbed) -> bool:
    return not await _is_refused(testbed)


def test_the_gateway_starts_without_a_broker_and_connects_when_there_is_one(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        testbed.network.become(Mode.REFUSE)
        await until(lambda: not testbed.rpc.is_ready)
        with pytest.raises(Unavailable):
            await get_order(testbed)
        testbed.network.become(Mode.PASS)
        await until(lambda: testbed.rpc.is_ready and testbed.feed.is_ready)

    run_on_testbed(servers, test, connected=False)


def test_a_lost_reply_queue_is_a_lost_connection(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        await testbed.respond("orders", lambda _: "ok")
        first = testbed.rpc._client_id
        closing = testbed.broker
        assert testbed.rpc._channel is not None
        await testbed.rpc._channel.queue_delete(f"{testbed.settings.broker_prefix}rpc.reply-{first}")
        await until(lambda: testbed.rpc._client_id != first and closing.is_connected)
        assert (await get_order(testbed)).result == "ok"

    run_on_testbed(servers, test)


FORGED = json.dumps({"result": "forged", "error": None}).encode()


@pytest.mark.parametrize("forged_by", ["another service", "dead letters", "a guess"])
def test_a_forged_reply_is_ignored_and_the_genuine_one_accepted(servers: Settings, forged_by: str) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        exchange = await testbed.channel.get_exchange(f"{testbed.settings.broker_prefix}nameko-rpc")
        calls: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        queue = await testbed.declare("orders")
        await queue.consume(calls.put, no_ack=True)
        calling = asyncio.create_task(get_order(testbed))
        call = await calls.get()
        true = call.reply_to or ""
        key = true.replace(".orders.", ".catalog.") if forged_by == "another service" else true
        headers: Any = {"x-death": [{"queue": "x"}]} if forged_by == "dead letters" else {}
        call_id = "0" if forged_by == "a guess" else call.correlation_id
        await exchange.publish(aio_pika.Message(FORGED, correlation_id=call_id, headers=headers), key)
        answer = json.dumps({"result": "true", "error": None}).encode()
        await exchange.publish(aio_pika.Message(answer, correlation_id=call.correlation_id), true)
        assert (await calling).result == "true"

    run_on_testbed(servers, test, deadline_seconds=10.0)


def test_unreadable_replies_are_a_failure_of_the_service(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        broken: list[Any] = [
            {"error": None},
            {"error": {"kind": "not_found", "value": "No.", "code": "x", "data": {}}},
        ]
        await testbed.respond("orders", lambda _: broken.pop(0))
        with pytest.raises(RemoteFailure):
            await get_order(testbed)
        with pytest.raises((NotFound, RemoteFailure)):
            await get_order(testbed)

    run_on_testbed(servers, test)


def test_unreadable_messages_do_not_close_the_connection(servers: Settings) -> None:
    def pour(testbed: AmqpTestbed) -> None:
        prefix, reply_to = testbed.settings.broker_prefix, reply_address("orders", testbed.rpc._client_id)
        with closing(broker_connection(servers.amqp_url)) as connection:
            channel = connection.channel()
            for poison in unreadable():
                channel.basic_publish(poison.message(), f"{prefix}nameko-rpc", reply_to)
                channel.basic_publish(
                    poison.message(), f"{prefix}orders.events", orders.ORDER_STATUS_CHANGED.type
                )

    async def test(testbed: AmqpTestbed) -> None:
        await testbed.respond("orders", lambda _: "ok")
        await asyncio.to_thread(pour, testbed)
        assert (await get_order(testbed)).result == "ok"
        await testbed.publish("orders", orders.ORDER_STATUS_CHANGED.type, {"event_id": "last"})
        await until(lambda: {"event_id": "last"} in [event for _, event in testbed.heard])
        assert testbed.times_connected == 1

    run_on_testbed(servers, test, deadline_seconds=20.0)
