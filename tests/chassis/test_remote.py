from types import SimpleNamespace

import pytest
from eventlet.event import Event

from chassis.remote import Replies
from kit.errors import Unavailable


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "null", '{"result": 1, "error": {"kind": "invalid"}}', "[" * 10_000]
)
def test_an_answer_nobody_can_read_fails_its_own_call_only(body: str) -> None:
    replies, answered = Replies(), Event()
    replies._waiting["number"] = answered
    replies._on_reply(SimpleNamespace(properties={"correlation_id": "number"}, body=body))
    with pytest.raises(Unavailable):
        answered.wait()
