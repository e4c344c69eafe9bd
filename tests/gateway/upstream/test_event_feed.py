"""The event feed against a real broker."""

import pytest

from kit.settings import Settings
from tests.gateway.amqp_testbed import AmqpTestbed, run_on_testbed, until

pytestmark = pytest.mark.servers


def test_live_events_are_received_in_order(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        assert testbed.times_connected == 1
        for number in range(20):
            await testbed.publish("orders", "order_status_changed", {"event_id": f"e{number}"})
        await testbed.publish("accounts", "account_updated", {"event_id": "not live"})
        await testbed.publish("accounts", "session_revoked", {"event_id": "last"})
        await until(lambda: len(testbed.heard) == 21)
        assert [event["event_id"] for _, event in testbed.heard[:20]] == [f"e{n}" for n in range(20)]
        assert testbed.heard[20] == ("session_revoked", {"event_id": "last"})

    run_on_testbed(servers, test)


def test_an_event_is_received_once_with_the_key_of_its_outcome_and_with_its_type_alone(
    servers: Settings,
) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        for key in ("order_status_changed", "order_status_changed.1", "order_status_changed.4"):
            await testbed.publish("orders", key, {"event_id": key})
        await testbed.publish("accounts", "session_revoked", {"event_id": "last"})
        await until(lambda: testbed.heard and testbed.heard[-1][1] == {"event_id": "last"})
        assert [(kind, event["event_id"]) for kind, event in testbed.heard[:-1]] == [
            ("order_status_changed", "order_status_changed"),
            ("order_status_changed", "order_status_changed.1"),
            ("order_status_changed", "order_status_changed.4"),
        ]

    run_on_testbed(servers, test)


def test_after_a_lost_connection_the_feed_reconnects_and_notifies(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        testbed.network.cut()
        await until(lambda: testbed.times_connected == 2)
        await testbed.publish("orders", "order_status_changed", {"event_id": "e1"})
        await until(lambda: testbed.heard)

    run_on_testbed(servers, test)


def test_one_subscribers_failure_does_not_affect_the_others(servers: Settings) -> None:
    async def test(testbed: AmqpTestbed) -> None:
        def fail(_kind: str, event: dict[str, object]) -> None:
            raise ValueError(str(event))

        testbed.feed._subscribers.insert(0, (fail, lambda: None))
        await testbed.publish("orders", "order_status_changed", {"event_id": "e1"})
        await until(lambda: testbed.heard)

    run_on_testbed(servers, test)
