"""Rate limits and their header fields."""

import re

import pytest

from gateway.security.rate_limits import WindowCounts
from services.accounts import contract as accounts
from services.orders import contract as orders
from tests.gateway.examples import BODIES, RESULT
from tests.gateway.testbed import ANNA, BEN, ORDER_ID, GatewayTestbed, on_gateway

ORDER = f"/v1/orders/{ORDER_ID}"
STATE = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


@on_gateway(request_limit_per_minute=3)
async def test_an_account_has_its_own_allowance_and_every_answer_says_what_is_left(
    testbed: GatewayTestbed,
) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    for left in (2, 1, 0):
        async with testbed.request("GET", ORDER, ANNA) as response:
            assert response.status == 200
            assert response.headers["RateLimit-Policy"] == '"general";q=3;w=60'
            state = STATE.fullmatch(response.headers["RateLimit"])
            assert state is not None
            assert (state[1], int(state[2])) == ("general", left)
            assert 58 <= int(state[3]) <= 60
    testbed.rpc.calls.clear()
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert (problem["status"], problem["code"]) == (429, "rate_limited")
    assert 58 <= int(problem["headers"]["Retry-After"]) <= 60
    assert problem["headers"]["RateLimit"].startswith('"general";r=0;t=')
    assert testbed.rpc.calls == []
    async with testbed.request("GET", ORDER, BEN) as response:
        assert response.status == 200


@on_gateway(request_limit_per_minute=2)
async def test_without_an_account_the_address_counts_bad_tokens_and_wrong_paths_too(
    testbed: GatewayTestbed,
) -> None:
    assert (await testbed.problem("GET", "/v1/nothing"))["status"] == 404
    bad = {"Authorization": "Bearer x"}
    assert (await testbed.problem("GET", ORDER, headers=bad))["status"] == 401
    assert (await testbed.problem("GET", ORDER, headers=bad))["status"] == 429
    assert (await testbed.problem("GET", "/v1/nothing"))["status"] == 429
    async with testbed.request("GET", "/healthz") as response:
        assert response.status == 200


@on_gateway(entrance_limit_per_minute=3)
async def test_sign_up_and_sign_in_share_one_allowance_per_address(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.REGISTER_ACCOUNT, RESULT)
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    testbed.rpc.answer(accounts.REFRESH_SESSION, RESULT)
    for path, name in (("/v1/accounts", "register_account"), ("/v1/sessions", "open_session")) * 2:
        async with testbed.request("POST", path, json=BODIES[name]) as response:
            last = response.status
            assert response.headers["RateLimit-Policy"] == '"entrance";q=3;w=60'
    assert last == 429
    async with testbed.request("POST", "/v1/sessions/refresh", json=BODIES["refresh_session"]) as response:
        assert response.status == 200


@on_gateway(entrance_limit_per_minute=1, trusted_proxies="127.0.0.0/8, 10.0.0.0/8")
async def test_behind_trusted_proxies_the_forwarded_address_counts(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)

    async def status(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        async with testbed.request(
            "POST", "/v1/sessions", json=BODIES["open_session"], headers=headers
        ) as response:
            return int(response.status)

    assert await status("192.0.2.1") == 201
    assert testbed.rpc.last[1].address == "192.0.2.1"
    assert await status("192.0.2.1") == 429
    assert await status("192.0.2.1, 10.1.2.3") == 429
    # what stands left of the nearest untrusted address was written by that client
    assert await status("203.0.113.9, 192.0.2.1") == 429
    assert await status("192.0.2.2") == 201
    assert await status("2001:db8::1") == 201
    assert testbed.rpc.last[1].address == "2001:db8::1"
    assert await status("2001:db8::2") == 429
    for nonsense in ("nonsense", "fe80::1%" + "x" * 2000, "fe80::2%" + "y" * 2000):
        assert await status(nonsense) == (201 if nonsense == "nonsense" else 429)
    assert testbed.rpc.last[1].address == "127.0.0.1"


@on_gateway(entrance_limit_per_minute=1, trusted_proxies="::ffff:127.0.0.0/104, 10.0.0.0/8")
async def test_an_ipv4_client_is_one_client_however_its_proxies_write_it(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    written = ("::ffff:192.0.2.1", "192.0.2.1:4711", "[::FFFF:c000:201]:80", "192.0.2.1, ::ffff:10.1.2.3")
    statuses = []
    for address in (*written, "64:ff9b::192.0.2.1", "[2001:db8::1%25eth0]:80", "2001:db8::2"):
        headers = {"X-Forwarded-For": address}
        async with testbed.request(
            "POST", "/v1/sessions", json=BODIES["open_session"], headers=headers
        ) as response:
            statuses.append(response.status)
    assert statuses == [201, 429, 429, 429, 429, 201, 429]
    assert [call[1].address for call in testbed.rpc.calls] == ["192.0.2.1", "2001:db8::1"]


@on_gateway(entrance_limit_per_minute=1)
async def test_without_trusted_proxies_a_forwarded_address_is_not_believed(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    statuses = []
    for address in ("192.0.2.1", "192.0.2.2"):
        headers = {"X-Forwarded-For": address}
        async with testbed.request(
            "POST", "/v1/sessions", json=BODIES["open_session"], headers=headers
        ) as response:
            statuses.append(response.status)
    assert statuses == [201, 429]
    assert testbed.rpc.last[1].address == "127.0.0.1"


def test_windows_end_and_ended_ones_are_removed() -> None:
    counts = WindowCounts()
    assert [counts.incr("b", -1), counts.incr("b", -1)] == [1, 1]
    for number in range(20):
        counts.incr(f"old{number}", -1)
    assert len(counts._windows) <= 2
    assert [counts.incr("a", 60), counts.incr("a", 60)] == [1, 2]
    assert (counts.get("a"), counts.get("b")) == (2, 0)
    assert counts.get_expiry("a") > counts.get_expiry("nobody")
    counts.clear("a")
    assert counts.get("a") == 0 and counts.check()
    counts.reset()
    assert counts._windows == {}


def test_beyond_the_maximum_the_oldest_windows_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.security.rate_limits.MAX_WINDOWS", 10)
    counts = WindowCounts()
    for number in range(1000):
        counts.incr(f"2001:db8:{number:x}::/64", 60)
        counts.incr("somebody", 60)
    assert len(counts._windows) <= 10
    assert counts.get("2001:db8:3e7::/64") == 1 and counts.get("2001:db8::/64") == 0
