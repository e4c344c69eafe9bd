"""Tokens are verified locally; revoked sessions are refused at once."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.app import ROUTES, build_app
from gateway.http.dispatch import admit
from gateway.http.request import RequestContext
from gateway.routing.policies import Access
from gateway.security import revocations
from gateway.settings import GatewaySettings
from gateway.state import GATEWAY
from gateway.upstream.rpc_client import Reply
from kit.errors import Forbidden, Unavailable
from kit.security.tokens import call_token
from kit.validation import rfc3339
from services.accounts import contract as accounts
from services.accounts.credentials.signing import Signer, generate_signing_key
from services.catalog import contract as catalog
from services.orders import contract as orders
from tests.gateway.amqp_testbed import until
from tests.gateway.examples import BODIES, PAGE, RESULT
from tests.gateway.testbed import (
    ANNA,
    ORDER_ID,
    SESSION_ID,
    FakeFeed,
    FakeRpc,
    GatewayTestbed,
    on_gateway,
    token,
)

ORDER = f"/v1/orders/{ORDER_ID}"
OTHER_SESSION = "01890000-0000-7000-8000-0000000000d2"


def revocation(session_id: str, minutes: int = 10) -> dict[str, object]:
    """A `session_revoked` event."""
    until_then = rfc3339(datetime.now(UTC) + timedelta(minutes=minutes))
    return {
        "event_id": "e1",
        "occurred_at": until_then,
        "account_id": ANNA,
        "session_ids": [session_id],
        "expires_at": until_then,
    }


@on_gateway()
async def test_an_invalid_token_is_401_without_a_call(testbed: GatewayTestbed) -> None:
    forged = Signer(generate_signing_key()).sign(ANNA, SESSION_ID, "Anna", [], int(time.time()), 600)
    good = token(ANNA)
    cases = {
        f"Bearer {forged}": "invalid_token",
        f"Bearer {good[:-4]}AAAA": "invalid_token",
        "Bearer nonsense": "invalid_token",
        "Bearer": "invalid_token",
        "Bearer ": "invalid_token",
        "Basic YTpi": "invalid_token",
        good: "invalid_token",
        f"Bearer {token(ANNA, lifetime=-1)}": "token_expired",
    }
    for header, code in cases.items():
        problem = await testbed.problem("GET", ORDER, headers={"Authorization": header})
        assert (problem["status"], problem["code"]) == (401, code), header
        assert problem["headers"]["WWW-Authenticate"] == "Bearer"
        # a token that is sent must hold, also where none is needed
        assert (await testbed.problem("GET", "/v1/services", headers={"Authorization": header}))[
            "status"
        ] == 401
    assert testbed.rpc.calls == []


@on_gateway()
async def test_sign_in_and_refresh_ignore_old_tokens(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    testbed.rpc.answer(accounts.REFRESH_SESSION, RESULT)
    old = {"Authorization": f"Bearer {token(ANNA, lifetime=-1)}"}
    for path, name in (("/v1/sessions", "open_session"), ("/v1/sessions/refresh", "refresh_session")):
        async with testbed.request("POST", path, json=BODIES[name], headers=old) as response:
            assert response.status in (200, 201)
        assert testbed.rpc.last[1].access_token == ""
        assert testbed.rpc.last[1].idempotency_scope == "address:127.0.0.1"


@on_gateway()
async def test_the_scheme_is_case_insensitive_and_the_token_is_passed_on(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    mine = token(ANNA)
    async with testbed.request("GET", ORDER, headers={"Authorization": f"bearer {mine}"}) as response:
        assert response.status == 200
    inside = testbed.rpc.last[1].access_token
    assert inside == call_token(mine, "orders")
    again = await testbed.problem("GET", ORDER, headers={"Authorization": f"Bearer {inside}"})
    assert (again["status"], again["code"]) == (401, "invalid_token"), "it opens nothing outside"


@on_gateway()
async def test_a_service_that_calls_another_gets_a_token_for_that_one_method(testbed: GatewayTestbed) -> None:
    mine = token(ANNA)
    headers = {"Authorization": f"Bearer {mine}"}
    for path in ("/v1/me/balance", ORDER, "/v1/me"):
        async with testbed.request("GET", path, headers=headers):
            pass
    onward = {call[0].service: dict(call[1].onward_tokens) for call in testbed.rpc.calls}
    assert onward == {
        "payments": {"orders.get_order": call_token(mine, "orders.get_order")},
        "orders": {},
        "accounts": {},
    }


@on_gateway()
async def test_a_signed_out_session_is_refused_as_soon_as_the_event_arrives(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    testbed.feed.deliver("session_revoked", revocation(SESSION_ID))
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert (problem["status"], problem["code"]) == (401, "session_revoked")
    other = {"Authorization": f"Bearer {token(ANNA, session_id=OTHER_SESSION)}"}
    async with testbed.request("GET", ORDER, headers=other) as response:
        assert response.status == 200


@on_gateway()
async def test_a_gateway_that_starts_or_reconnects_fetches_the_live_revocations(
    testbed: GatewayTestbed,
) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    tries = []

    def answer() -> Reply | Exception:
        tries.append(1)
        return Unavailable("away") if len(tries) == 1 else Reply({"data": [revocation(SESSION_ID) | entry]})

    entry = {"session_id": SESSION_ID}
    testbed.rpc.answer(accounts.LIST_REVOCATIONS, answer)
    testbed.feed.connected()

    async def is_refused() -> bool:
        async with testbed.request("GET", ORDER, ANNA) as response:
            return bool(response.status == 401)

    assert not await is_refused()
    await until(is_refused, within=4)
    assert len(tries) == 2


def test_expired_revocations_are_removed() -> None:
    revoked = revocations.Revocations(FakeRpc())
    past = rfc3339(datetime.now(UTC) - timedelta(minutes=1))
    future = rfc3339(datetime.now(UTC) + timedelta(minutes=1))
    revoked.add([f"old{n}" for n in range(revocations.SWEEP_ABOVE)], past)
    revoked.add(["new"], future)
    assert "new" in revoked
    assert "old1" not in revoked


@on_gateway()
async def test_anonymous_callers_may_read_what_is_public(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.SEARCH_SERVICES, PAGE)
    async with testbed.request("GET", "/v1/services") as response:
        assert response.status == 200
    assert testbed.rpc.last[1].access_token == ""


@on_gateway()
async def test_the_public_keys_are_published(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/.well-known/jwks.json") as response:
        (key,) = (await response.json())["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key


def test_routes_for_staff_refuse_everybody_else() -> None:
    gateway = build_app(GatewaySettings(), FakeRpc(), FakeFeed())[GATEWAY]
    route = replace(next(route for route in ROUTES if route.operation_id == "get_me"), access=Access.STAFF)

    def admitted(roles: tuple[str, ...]) -> None:
        headers = {"Authorization": f"Bearer {token(ANNA, roles)}"}
        admit(RequestContext(make_mocked_request("GET", "/v1/x", headers), gateway, "192.0.2.1"), route)

    with pytest.raises(Forbidden):
        admitted(())
    admitted(("staff",))


@on_gateway()
async def test_a_session_closed_here_is_refused_before_its_event_arrives(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.GET_ME, RESULT)
    for path in ("/v1/sessions/current", "/v1/sessions"):
        contract = accounts.CLOSE_ALL_SESSIONS if path == "/v1/sessions" else accounts.CLOSE_SESSION
        testbed.rpc.answer(contract, None)
        testbed.gateway.revocations._until.clear()
        async with testbed.request("GET", "/v1/me", ANNA) as before:
            assert before.status == 200
        async with testbed.request("DELETE", path, ANNA) as closed:
            assert closed.status == 204
        assert (await testbed.problem("GET", "/v1/me", ANNA))["code"] == "session_revoked"
