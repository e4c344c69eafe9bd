"""The event feed against a real broker."""

import pytest

from kit.settings import Settings
from tests.gateway.amqp_testbed import AmqpWorld, in_world, until

pytestmark = pytest.mark.servers


def test_live_events_are_received_in_order(servers: Settings) -> None:
    async def test(world: AmqpWorld) -> None:
        assert world.times_connected == 1
        for number in range(20):
            await world.publish("orders", "order_status_changed", {"event_id": f"e{number}"})
        await world.publish("accounts", "account_updated", {"event_id": "not live"})
        await world.publish("accounts", "session_revoked", {"event_id": "last"})
        await until(lambda: len(world.heard) == 21)
        assert [event["event_id"] for _, event in world.heard[:20]] == [f"e{n}" for n in range(20)]
        assert world.heard[20] == ("session_revoked", {"event_id": "last"})

    in_world(servers, test)


def test_after_a_lost_connection_the_feed_reconnects_and_notifies(servers: Settings) -> None:
    async def test(world: AmqpWorld) -> None:
        world.network.cut()
        await until(lambda: world.times_connected == 2)
        await world.publish("orders", "order_status_changed", {"event_id": "e1"})
        await until(lambda: world.heard)

    in_world(servers, test)


def test_one_subscribers_failure_does_not_affect_the_others(servers: Settings) -> None:
    async def test(world: AmqpWorld) -> None:
        def fail(_kind: str, event: dict[str, object]) -> None:
            raise ValueError(str(event))

        world.feed._subscribers.insert(0, (fail, lambda: None))
        await world.publish("orders", "order_status_changed", {"event_id": "e1"})
        await until(lambda: world.heard)

    in_world(servers, test)
