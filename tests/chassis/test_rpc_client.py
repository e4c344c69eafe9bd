import json
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eventlet.event import Event

from chassis.amqp.availability import ServiceAvailability
from chassis.amqp.rpc_client import PendingCall, RpcReplyConsumer, ServiceClient
from chassis.runtime.context import Call
from kit.errors import TimedOut, Unavailable
from kit.security.tokens import Verifier
from services.catalog.contract import GET_SERVICE

ADDRESS = "reply.catalog.orders-1"


def reply(body: str, routing_key: str = ADDRESS, headers: Any = None) -> Any:
    return SimpleNamespace(
        properties={"correlation_id": "id"},
        body=body,
        headers=headers or {},
        routing_key=routing_key,
    )


@pytest.fixture
def replies() -> RpcReplyConsumer:
    """With one call under way, `id`, to the catalog."""
    replies = RpcReplyConsumer()
    replies._pending["id"] = PendingCall(ADDRESS, Event())
    return replies


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "null", '{"result": 1, "error": {"kind": "invalid"}}', "[" * 10_000]
)
def test_an_answer_nobody_can_read_fails_its_own_call_only(replies: RpcReplyConsumer, body: str) -> None:
    answered = replies._pending["id"].answered
    replies._on_reply(reply(body))
    with pytest.raises(Unavailable):
        answered.wait()


def test_a_reply_is_taken_from_the_called_service_only(replies: RpcReplyConsumer) -> None:
    answered = replies._pending["id"].answered
    forged = json.dumps({"result": "forged", "error": None})
    replies._on_reply(reply(forged, "reply.messaging.orders-1"))
    replies._on_reply(reply(forged, "reply.orders-1"))
    replies._on_reply(reply(forged, headers={"x-death": [{"queue": "rpc.reply.messaging-1"}]}))
    assert not answered.ready()
    replies._on_reply(reply(json.dumps({"result": "true", "error": None})))
    assert answered.wait() == "true"


def test_a_client_with_a_time_limit_gives_up_before_the_deadline(replies: RpcReplyConsumer) -> None:
    sent: list[int] = []
    replies._name = "orders-1"
    replies._availability = cast(
        ServiceAvailability, SimpleNamespace(raise_if_unavailable=lambda _: None, probe=lambda _: None)
    )
    replies._send = lambda *arguments: sent.append(arguments[-1])  # type: ignore[method-assign]
    call = Call(verifier=cast(Verifier, None), deadline=time.monotonic() + 60)
    client = ServiceClient("catalog", timeout_seconds=0.05)
    client.replies = replies
    ask = client.get_dependency(SimpleNamespace(data={"call": call}))
    with pytest.raises(TimedOut):
        ask(GET_SERVICE, service_id="id")
    assert sent == [50], "the message expires with the limit too"
