import base64
import time
from contextlib import closing

import amqp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.amqp import topology
from kit.security.keys import key_id, public_key_of
from kit.security.tokens import ALGORITHM, ISSUER
from kit.settings import own_secrets
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.servers import broker_connection, eventually

pytestmark = pytest.mark.servers


def test_a_call_is_answered_and_arguments_are_checked_at_the_owner(echo: Echo) -> None:
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}
    assert echo.call(contract.ASK)["result"] == {"text": "hi"}
    reply = echo.send("echo.echo", '{"args": [], "kwargs": {"wrong": 1}}', {})
    assert reply is not None
    assert {error["field"] for error in reply["error"]["data"]["errors"]} == {"text", "wrong"}


def token_for(audience: str) -> str:
    """A token of accounts that is signed for one audience."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "sub": ADA, "sid": ADA, "name": "Ada", "roles": []}
    signing_key = own_secrets()["TOKEN_SIGNING_KEY"]
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing_key))
    headers = {"kid": key_id(public_key_of(signing_key))}
    return jwt.encode({**claims, "exp": now + 60}, key, algorithm=ALGORITHM, headers=headers)


def test_a_service_knows_a_caller_by_a_token_for_itself_only(echo: Echo) -> None:
    for good in ("echo", "echo.who"):
        assert echo.call(contract.WHO, access_token=token_for(good))["result"] == {"text": "Ada"}
    for stolen in ("gateway", "orders", "echo.do_thing", "nobody.who"):
        error = echo.call(contract.WHO, access_token=token_for(stolen))["error"]
        assert (error["kind"], error["code"]) == ("unauthenticated", "invalid_token"), stolen


def test_errors_cross_with_code_and_data_and_failures_without_harm(echo: Echo) -> None:
    error = echo.call(contract.REFUSE)["error"]
    assert (error["kind"], error["code"], error["data"]) == ("conflict", "not_now", {"current_status": 7})
    assert "kind" not in echo.call(contract.BREAK)["error"]
    reply = echo.send("echo.no_such_method", '{"args": [], "kwargs": {}}', {})
    assert reply is not None
    assert reply["error"]["exc_type"] == "MethodNotFound"
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}


ADA = "01890000-0000-7000-8000-00000000000a"
UNREADABLE = [b"\xff\xfe not json", b"[]", b"{}", b'{"args": []}', b"null", b"", b"[" * 100_000]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: body[:12])
def test_an_unreadable_call_is_kept_as_a_dead_letter_and_the_rest_flows_on(echo: Echo, body: bytes) -> None:
    echo.send("echo.echo", body, {}, replies=False)
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}
    eventually(lambda: len(echo.dead_letters()) == 1, what="the dead letter")


def test_a_call_with_unreadable_properties_is_kept_and_the_rest_is_answered(echo: Echo) -> None:
    echo.send("echo.echo", '{"args": [], "kwargs": {"text": "x"}}', {}, replies=False, message_id=b"\xff\xfe")
    eventually(lambda: len(echo.dead_letters()) == 1, what="the dead letter")
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}


def test_a_call_without_reply_to_kills_nobody_and_is_kept(echo: Echo) -> None:
    for _ in range(3):
        echo.send("echo.echo", '{"args": [], "kwargs": {"text": "x"}}', {}, replies=False)
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}
    eventually(lambda: len(echo.dead_letters()) == 3, what="three dead letters")
    assert echo.is_running()


BODY = '{"args": [], "kwargs": {"text": "x"}}'


def reasons(echo: Echo) -> set[str]:
    return {letter.headers["x-reason"] for letter in echo.dead_letters()}


def test_a_call_that_wants_its_reply_elsewhere_costs_no_connection_and_is_kept(echo: Echo) -> None:
    for address in ("reply.other.gateway-1", "echo.echo"):
        echo.send("echo.echo", BODY, {}, replies=False, reply_to=address)
    assert echo.call(contract.ECHO)["result"] == {"text": "hi"}
    wanted = {"ValueError: reply_to is not for replies of this service"}
    eventually(lambda: reasons(echo) == wanted, what="the dead letters say why")
    assert len(echo.dead_letters()) == 2


def test_a_call_that_was_dead_lettered_into_the_queue_is_not_carried_out(echo: Echo) -> None:
    exchange = topology.rpc_exchange(echo.settings)
    arguments = {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": contract.DO.routing_key,
        "x-message-ttl": 0,
    }
    with closing(broker_connection(echo.settings.amqp_url)) as connection:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True, arguments=arguments).queue
        channel.basic_publish(amqp.Message(BODY, reply_to="reply.echo.x"), "", queue)
        wanted = {"ValueError: dead-lettered into the queue of calls"}
        eventually(lambda: reasons(echo) == wanted, what="the dead letter says why")
    assert echo.notes() == []


def test_a_repeat_with_the_same_key_has_no_second_effect(echo: Echo) -> None:
    first = echo.call(contract.DO, "one", key="k")
    again = echo.call(contract.DO, "one", key="k")
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["result"] == again["result"]
    assert echo.call(contract.DO, "two", key="k")["error"]["code"] == "idempotency_key_reused"
    assert echo.notes().count("done one") == 1


def test_a_slow_statement_is_ended_by_the_server(echo: Echo) -> None:
    error = echo.call(contract.WAIT, "30")["error"]
    assert (error["kind"], error["code"]) == ("unavailable", "database_timeout")


def test_sigterm_drains_what_is_under_way_and_exits_cleanly(echo: Echo) -> None:
    began = time.monotonic()
    echo.send("echo.do_thing", '{"args": [], "kwargs": {"text": "last"}}', {}, replies=True)
    assert echo.stop() == 0
    assert time.monotonic() - began < 10
    assert "done last" in echo.notes()
    assert echo.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL") == []


def test_the_process_comes_back_after_its_database_connections_are_cut(echo: Echo) -> None:
    assert echo.call(contract.DO, "before")["error"] is None
    echo.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert echo.call(contract.DO, "after")["error"] is None
    assert echo.status("/readyz") == 200


def test_a_stopped_service_is_unavailable_within_the_deadline_and_then_at_once(echo: Echo) -> None:
    assert echo.call(contract.ASK_NOBODY)["error"]["code"] == "unavailable"  # never installed
    with closing(broker_connection(echo.settings.amqp_url)) as connection:
        channel = connection.channel()
        queue = topology.rpc_queue(echo.settings, "nobody")
        channel.queue_declare(queue, durable=True, auto_delete=False)
        channel.queue_bind(queue, topology.rpc_exchange(echo.settings), "nobody.*")
        began = time.monotonic()
        first = echo.call(contract.ASK_NOBODY, deadline_ms=1500)
        assert time.monotonic() - began < 1.5
        began = time.monotonic()
        second = echo.call(contract.ASK_NOBODY)
        assert time.monotonic() - began < 0.5
        channel.queue_delete(queue)
    assert first["error"]["code"] == second["error"]["code"] == "unavailable"
