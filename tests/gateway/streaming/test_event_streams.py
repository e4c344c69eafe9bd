"""The live event stream: recipients, replay and limits."""

import asyncio
import json
import time
from typing import Any

import pytest

from gateway.settings import GatewaySettings
from gateway.streaming.hub import MAX_QUEUED, PING, RESYNC, Hub
from kit.errors import TooMany
from tests.gateway.amqp_testbed import until
from tests.gateway.testbed import ANNA, BEN, ORDER_ID, SESSION_ID, GatewayTestbed, on_gateway, token

CARA = "01890000-0000-7000-8000-00000000000c"
NOW = "2026-01-01T00:00:00.000000Z"


def transitioned(event_id: str = "e1") -> dict[str, Any]:
    """Ben approves Anna's order; the event has more members than clients may see."""
    return {
        "event_id": event_id,
        "occurred_at": NOW,
        "order_id": ORDER_ID,
        "order_version": 2,
        "sequence": 2,
        "transition": "approve",
        "from_status": 1,
        "to_status": 2,
        "customer": {"id": ANNA, "display_name": "Anna"},
        "provider": {"id": BEN, "display_name": "Ben"},
        "requirements": "not for the stream",
    }


EVENTS: dict[str, tuple[dict[str, Any], str, dict[str, Any], set[str]]] = {
    "order_status_changed": (
        transitioned(),
        "order.transitioned",
        {"order_id": ORDER_ID, "version": 2, "sequence": 2, "transition": "approve", "status": 2},
        {ANNA, BEN},
    ),
    "message_posted": (
        {"message_id": "m", "order_id": "o", "author": {"id": ANNA}, "recipient_ids": [BEN]},
        "message.created",
        {"message_id": "m", "order_id": "o"},
        {ANNA, BEN},
    ),
    "notification_created": (
        {"notification_id": "n", "account_id": BEN, "type": "order_submitted", "order_id": None},
        "notification.created",
        {"notification_id": "n", "type": "order_submitted", "order_id": None},
        {BEN},
    ),
    "payment_changed": (
        {
            "payment_id": None,
            "order_id": "o",
            "payment_version": 1,
            "payment_status": "due",
            "amount": {"amount": 4500, "currency": "EUR"},
            "customer": {"id": ANNA},
            "provider": {"id": BEN},
        },
        "payment.updated",
        {"payment_id": None, "order_id": "o", "version": 1, "status": "due"},
        {ANNA, BEN},
    ),
    "payout_changed": (
        {"payout_id": "p", "provider": {"id": BEN}, "payout_version": 2, "status": "paid"},
        "payout.updated",
        {"payout_id": "p", "version": 2, "status": "paid"},
        {BEN},
    ),
    "review_submitted": (
        {
            "review_id": "r",
            "order_id": "o",
            "rating": 1,
            "review_version": 1,
            "customer": {"id": ANNA},
            "provider": {"id": BEN},
        },
        "review.created",
        {"review_id": "r", "order_id": "o", "version": 1},
        {ANNA, BEN},
    ),
}


class Clock:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hub_and_clock(**settings: Any) -> tuple[Hub, Clock]:
    """A hub without a gateway."""
    clock = Clock()
    return Hub(GatewaySettings(**settings), clock), clock


async def waiting(stream: Any) -> bytes:
    """Returns what a stream would write now, "" when its queue is empty."""
    text = await stream.next(0.0)
    return b"" if text == PING else text


@pytest.mark.parametrize("kind", EVENTS)
def test_events_carry_ids_only_and_go_to_their_recipients(kind: str) -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        event, name, thin, hearers = EVENTS[kind]
        streams = {who: hub.open(who, SESSION_ID, None) for who in (ANNA, BEN, CARA)}
        hub.publish(kind, {"event_id": "e1", "occurred_at": NOW, **event})
        for who, stream in streams.items():
            text = (await waiting(stream)).decode()
            if who not in hearers:
                assert text == ""
                continue
            id_line, event_line, data_line, *rest = text.split("\n")
            assert (id_line, event_line, rest) == ("id: e1", f"event: {name}", ["", ""])
            assert json.loads(data_line.removeprefix("data: ")) == {**thin, "occurred_at": NOW}

    asyncio.run(test())


def test_other_events_are_not_passed_on() -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        stream = hub.open(ANNA, SESSION_ID, None)
        hub.publish("service_changed", {"event_id": "e1", "service_id": "s"})
        assert await waiting(stream) == b""

    asyncio.run(test())


def test_a_stream_that_reconnects_is_replayed_from_30_seconds_before_its_last_event() -> None:
    async def test() -> None:
        hub, clock = hub_and_clock()
        for number in range(5):
            hub.publish("order_status_changed", transitioned(f"e{number}"))
            clock.now += 20
        text = (await waiting(hub.open(ANNA, SESSION_ID, "e3"))).decode()
        assert [line for line in text.split("\n") if line.startswith("id")] == ["id: e2", "id: e3", "id: e4"]
        assert await waiting(hub.open(CARA, SESSION_ID, "e3")) == RESYNC
        assert await waiting(hub.open(ANNA, SESSION_ID, None)) == b""

    asyncio.run(test())


def test_unknown_ids_and_those_older_than_5_minutes_mean_resync() -> None:
    async def test() -> None:
        hub, clock = hub_and_clock()
        hub.publish("order_status_changed", transitioned("e1"))
        clock.now += 299
        hub.publish("order_status_changed", transitioned("e2"))
        assert b"id: e1" in await waiting(hub.open(ANNA, SESSION_ID, "e1"))
        clock.now += 2
        assert await waiting(hub.open(ANNA, SESSION_ID, "e1")) == RESYNC
        assert await waiting(hub.open(ANNA, SESSION_ID, "unknown")) == RESYNC
        clock.now += 1000
        hub.publish(
            "notification_created", {**EVENTS["notification_created"][0], "event_id": "x", "occurred_at": NOW}
        )
        assert ANNA not in hub._recent

    asyncio.run(test())


def test_after_a_reconnect_to_the_broker_all_streams_resync_and_old_ids_are_unknown() -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        stream = hub.open(ANNA, SESSION_ID, None)
        hub.publish("order_status_changed", transitioned("e1"))
        await waiting(stream)
        hub.resynchronize()
        assert await waiting(stream) == RESYNC
        assert await waiting(hub.open(ANNA, SESSION_ID, "e1")) == RESYNC

    asyncio.run(test())


def test_a_client_that_is_too_slow_must_resync_instead_of_filling_memory() -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        stream = hub.open(ANNA, SESSION_ID, None)
        for number in range(MAX_QUEUED + 3):
            hub.publish("order_status_changed", transitioned(f"e{number}"))
        text = await waiting(stream)
        assert text.startswith(RESYNC)
        assert text.count(b"event: order.transitioned") == 2

    asyncio.run(test())


def test_an_account_has_at_most_10_streams_not_counting_disconnected_ones() -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        alive = [True]
        streams = [hub.open(ANNA, SESSION_ID, None, lambda: alive[0]) for _ in range(10)]
        with pytest.raises(TooMany) as caught:
            hub.open(ANNA, SESSION_ID, None)
        assert caught.value.code == "too_many_streams"
        hub.open(BEN, SESSION_ID, None)
        hub.remove(streams[0])
        hub.open(ANNA, SESSION_ID, None)
        alive[0] = False
        hub.open(ANNA, SESSION_ID, None)

    asyncio.run(test())


def test_an_address_has_at_most_50_streams_whoever_opens_them_and_the_refusal_names_the_quota() -> None:
    async def test() -> None:
        hub, _ = hub_and_clock()
        alive = [True]
        people = [f"somebody {number}" for number in range(60)]

        def open_one(who: str, network: str = "203.0.113.1") -> Any:
            return hub.open(who, SESSION_ID, None, lambda: alive[0], network)

        streams = [open_one(who) for who in people[:50]]
        with pytest.raises(TooMany) as caught:
            open_one(people[50])
        assert (caught.value.code, caught.value.data["quota"], caught.value.data["limit"]) == (
            "quota_exceeded", "stream_limit_per_address", 50,
        )  # fmt: skip
        assert people[50] not in hub._by_account, "nothing is left of a refused one"
        open_one(people[50], "203.0.113.2")
        for who in people:
            hub.open(who, SESSION_ID, None)  # from a local network: anybody's
        hub.remove(streams[0])
        streams.append(open_one(people[51]))
        alive[0] = False
        streams += [open_one(who) for who in people[:3]]
        for stream in streams[1:]:
            hub.remove(stream)
        assert set(hub._by_network) == {"203.0.113.2"}

    asyncio.run(test())


@on_gateway(stream_limit_per_address=1, trusted_proxies="127.0.0.0/8")
async def test_streams_are_counted_by_the_visitors_address(testbed: GatewayTestbed) -> None:
    async def refusal(who: str, address: str) -> Any:
        return await testbed.problem("GET", "/v1/events", who, headers={"X-Forwarded-For": address})

    async with testbed.request("GET", "/v1/events", ANNA, headers={"X-Forwarded-For": "203.0.113.1"}):
        problem = await refusal(BEN, "::ffff:203.0.113.1")
        assert (problem["status"], problem["code"]) == (429, "quota_exceeded")
        assert problem["quota"] == "stream_limit_per_address"
        assert "Retry-After" in problem["headers"]
        for address in ("203.0.113.2", "127.0.0.1"):
            async with testbed.request(
                "GET", "/v1/events", BEN, headers={"X-Forwarded-For": address}
            ) as other:
                assert other.status == 200


class Reader:
    """Reads one stream over HTTP."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.text = ""
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for chunk in self.response.content.iter_any():
            self.text += chunk.decode()

    async def sees(self, text: str) -> None:
        """Waits until a text has arrived."""
        await until(lambda: text in self.text, within=5)

    async def ends(self) -> None:
        """Waits until the gateway ends the stream."""
        await asyncio.wait_for(self._task, 5)


@on_gateway(stream_ping_seconds=0.1)
async def test_a_stream_over_http_delivers_pings_and_ends_with_its_session(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/v1/events", ANNA) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Request-Id"] and response.headers["RateLimit"]
        reader = Reader(response)
        await reader.sees("retry: ")
        began = time.monotonic()
        testbed.feed.deliver("order_status_changed", transitioned("e7"))
        await reader.sees("id: e7\nevent: order.transitioned\n")
        assert time.monotonic() - began < 2
        await reader.sees(": ping\n\n")
        revoked = {"account_id": ANNA, "session_ids": [SESSION_ID], "expires_at": "2099-01-01T00:00:00Z"}
        testbed.feed.deliver("session_revoked", revoked)
        await reader.ends()
    assert testbed.gateway.hub._by_account == {}
    assert (await testbed.problem("GET", "/v1/events", ANNA))["code"] == "session_revoked"


@on_gateway()
async def test_a_stream_ends_when_its_token_expires(testbed: GatewayTestbed) -> None:
    short = {"Authorization": f"Bearer {token(ANNA, lifetime=2)}"}
    async with testbed.request("GET", "/v1/events", headers=short) as response:
        assert response.status == 200
        await Reader(response).ends()


@on_gateway(stream_limit_per_account=1)
async def test_the_11th_stream_is_429_until_another_one_is_closed(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/v1/events", ANNA) as response:
        await Reader(response).sees("retry")
        problem = await testbed.problem("GET", "/v1/events", ANNA)
        assert (problem["status"], problem["code"]) == (429, "too_many_streams")
        assert problem["headers"]["Retry-After"]
        response.close()

    async def is_open() -> bool:
        async with testbed.request("GET", "/v1/events", ANNA) as again:
            again.close()
            return bool(again.status == 200)

    await until(is_open, within=2)


@on_gateway()
async def test_last_event_id_is_read_from_the_header(testbed: GatewayTestbed) -> None:
    testbed.feed.deliver("order_status_changed", transitioned("e1"))
    async with testbed.request("GET", "/v1/events", BEN, headers={"Last-Event-ID": "e1"}) as response:
        await Reader(response).sees("id: e1")
    async with testbed.request("GET", "/v1/events", BEN, headers={"Last-Event-ID": "e0"}) as response:
        await Reader(response).sees("event: resync\ndata: {}\n\n")


@on_gateway()
async def test_a_reconnect_of_the_feed_reaches_open_streams(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/v1/events", ANNA) as response:
        reader = Reader(response)
        await reader.sees("retry")
        testbed.feed.connected()
        await reader.sees("event: resync")
