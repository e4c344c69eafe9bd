"""Responses: entity tags, pages, keys, preconditions, ids, and headers for caches and browsers."""

from gateway.http.problems import Problem
from gateway.http.request import expected_version
from gateway.upstream.rpc_client import Reply
from services.accounts import contract as accounts
from services.catalog import contract as catalog
from services.messaging import contract as messaging
from services.orders import contract as orders
from tests.gateway.examples import BODIES, PAGE, RESULT
from tests.gateway.testbed import ANNA, BEN, ORDER_ID, SERVICE_ID, GatewayTestbed, on_gateway

ORDER = f"/v1/orders/{ORDER_ID}"
SERVICE = f"/v1/services/{SERVICE_ID}"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@on_gateway()
async def test_a_resource_has_an_etag_and_is_not_sent_twice(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, {"id": ORDER_ID, "version": 7, "note": "\u00e9\U0001f600"})
    async with testbed.request("GET", ORDER, ANNA) as response:
        etag = response.headers["ETag"]
        assert etag.startswith('"7.') and etag.endswith('"')
        assert (await response.json())["note"] == "\u00e9\U0001f600"
        assert response.headers["Cache-Control"] == "private"
        assert response.headers["Vary"] == "Authorization"
    for seen in (etag, f"W/{etag}", f'"1.x", {etag}', "*"):
        async with testbed.request("GET", ORDER, ANNA, headers={"If-None-Match": seen}) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert response.headers["ETag"] == etag
    testbed.rpc.answer(orders.GET_ORDER, {"id": ORDER_ID, "version": 7, "note": "other"})
    async with testbed.request("GET", ORDER, ANNA, headers={"If-None-Match": etag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != etag


@on_gateway()
async def test_head_is_get_without_the_body(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    async with testbed.request("HEAD", ORDER, ANNA) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert "ETag" in response.headers


@on_gateway()
async def test_a_page_links_to_the_next_one(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.LIST_ORDERS, {"data": [{"id": ORDER_ID}], "next_cursor": "abc_-"})
    path = "/v1/orders?role=customer&status=1%2C2&cursor=old"
    async with testbed.request("GET", path, ANNA) as response:
        assert (await response.json()) == {
            "data": [{"id": ORDER_ID}],
            "page": {"next_cursor": "abc_-", "has_more": True},
        }
        assert response.headers["Link"] == (
            '</v1/orders?role=customer&status=1%2C2&cursor=abc_->; rel="next"'
        )
    testbed.rpc.answer(orders.LIST_ORDERS, PAGE)
    async with testbed.request("GET", "/v1/orders?role=customer", ANNA) as response:
        assert (await response.json())["page"] == {"next_cursor": None, "has_more": False}
        assert "Link" not in response.headers


@on_gateway()
async def test_a_created_resource_has_a_location(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.SUBMIT_ORDER, RESULT)
    headers = {"Idempotency-Key": "k"}
    async with testbed.request(
        "POST", "/v1/orders", ANNA, json=BODIES["submit_order"], headers=headers
    ) as response:
        assert response.status == 201
        assert response.headers["Location"] == ORDER


@on_gateway()
async def test_a_replayed_answer_is_marked(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.SUBMIT_ORDER, Reply(RESULT, replayed=True))
    headers = {"Idempotency-Key": "k"}
    async with testbed.request(
        "POST", "/v1/orders", ANNA, json=BODIES["submit_order"], headers=headers
    ) as response:
        assert response.status == 201
        assert response.headers["Idempotency-Replayed"] == "true"
    testbed.rpc.answer(orders.SUBMIT_ORDER, RESULT)
    async with testbed.request(
        "POST", "/v1/orders", ANNA, json=BODIES["submit_order"], headers=headers
    ) as response:
        assert "Idempotency-Replayed" not in response.headers


@on_gateway()
async def test_idempotency_keys_have_1_to_255_printable_characters(testbed: GatewayTestbed) -> None:
    for key in ("", "k" * 256, "\u00e9", "a\tb"):
        problem = await testbed.problem(
            "POST", "/v1/orders", ANNA, json=BODIES["submit_order"], headers={"Idempotency-Key": key}
        )
        assert (problem["status"], problem["code"]) == (400, "idempotency_key_invalid"), key
        assert problem["errors"][0]["header"] == "Idempotency-Key"
    problem = await testbed.problem("POST", "/v1/orders", ANNA, json=BODIES["submit_order"])
    assert (problem["status"], problem["code"]) == (400, "idempotency_key_missing")
    assert testbed.rpc.calls == []
    testbed.rpc.answer(orders.SUBMIT_ORDER, RESULT)
    for key in ("k", "k" * 255, "a key: ~!"):
        async with testbed.request(
            "POST", "/v1/orders", ANNA, json=BODIES["submit_order"], headers={"Idempotency-Key": key}
        ) as response:
            assert response.status == 201


@on_gateway()
async def test_a_call_that_changes_something_always_has_a_key_and_a_fingerprint_of_the_request(
    testbed: GatewayTestbed,
) -> None:
    testbed.rpc.answer(messaging.POST_MESSAGE, RESULT)

    async def sent(path: str, body: str, who: str = ANNA, **headers: str) -> tuple[str, str, str]:
        headers["Content-Type"] = "application/json"
        async with testbed.request("POST", path, who, data=body, headers=headers) as response:
            assert response.status == 201
        context = testbed.rpc.last[1]
        return context.idempotency_key, context.idempotency_fingerprint, context.idempotency_scope

    messages, other = f"{ORDER}/messages", f"/v1/orders/{SERVICE_ID}/messages"
    key, fingerprint, scope = await sent(messages, '{"body": "a"}')
    assert key and scope == ANNA
    assert (await sent(messages, '{"body": "a"}'))[0] != key
    assert (await sent(messages, ' {"body":"a"} ', **{"Idempotency-Key": "k1"}))[:2] == ("k1", fingerprint)
    assert (await sent(messages, '{"body": "b"}'))[1] != fingerprint
    assert (await sent(other, '{"body": "a"}'))[1] != fingerprint
    assert (await sent(messages, '{"body": "a"}', BEN))[1:] == (fingerprint, BEN)
    testbed.rpc.answer(accounts.REGISTER_ACCOUNT, RESULT)
    async with testbed.request("POST", "/v1/accounts", json=BODIES["register_account"]):
        assert testbed.rpc.last[1].idempotency_scope == "address:127.0.0.1"


@on_gateway()
async def test_edits_of_services_need_the_version_that_was_seen(testbed: GatewayTestbed) -> None:
    for method, options in (("PATCH", {"json": BODIES["change_service"]}), ("DELETE", {})):
        problem = await testbed.problem(method, SERVICE, ANNA, **options)
        assert (problem["status"], problem["code"]) == (428, "precondition_required")
        assert problem["errors"][0]["header"] == "If-Match"
    assert testbed.rpc.calls == []
    testbed.rpc.answer(catalog.CHANGE_SERVICE, RESULT)
    async with testbed.request(
        "PATCH", SERVICE, ANNA, json=BODIES["change_service"], headers={"If-Match": '"12.ab01"'}
    ) as response:
        assert response.status == 200
    assert testbed.rpc.last[2]["expected_version"] == 12


@on_gateway()
async def test_a_transition_honours_if_match_and_does_not_need_it(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.TRANSITION_ORDER, RESULT)
    for headers, version in (({}, None), ({"If-Match": '"5.ff"'}, 5)):
        async with testbed.request(
            "POST",
            f"{ORDER}/transitions",
            ANNA,
            json=BODIES["transition_order"],
            headers={"Idempotency-Key": "k", **headers},
        ) as response:
            assert response.status == 200
        assert testbed.rpc.last[2]["expected_version"] == version


def test_only_the_version_part_of_an_etag_is_compared() -> None:
    assert expected_version('"12.abc0"') == 12
    assert expected_version('"12.what,ever"') == 12
    assert expected_version(' "12.0000" ') == 12
    assert expected_version("*") is None
    for never_current in ('W/"12.abc0"', '"other"', '""', '"12"', '"99999999999999999999.ab"', '"-1.ab"'):
        assert expected_version(never_current) == 0
    for malformed in ("12.abc", '"1.a", "2.b"', '"', ""):
        try:
            expected_version(malformed)
        except Problem as problem:
            assert (problem.status, problem.code) == (400, "invalid_header")
        else:
            raise AssertionError(malformed)


@on_gateway()
async def test_request_ids_and_traces_are_passed_on(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    sent = {"X-Request-Id": "mine-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    async with testbed.request("GET", ORDER, ANNA, headers=sent) as response:
        assert response.headers["X-Request-Id"] == "mine-1"
    context = testbed.rpc.last[1]
    assert context.request_id == "mine-1"
    assert context.traceparent.startswith(f"00-{TRACE}-")
    assert context.traceparent != sent["traceparent"]
    for odd in ("", "a b", "x" * 129, "\u00e9"):
        async with testbed.request(
            "GET", ORDER, ANNA, headers={"X-Request-Id": odd, "traceparent": "?"}
        ) as response:
            own = response.headers["X-Request-Id"]
        assert own != odd and len(own) == 32
        assert testbed.rpc.last[1].request_id == own
        assert testbed.rpc.last[1].traceparent.startswith("00-")


@on_gateway()
async def test_cache_control_says_what_caches_may_store(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.SEARCH_SERVICES, PAGE)
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    async with testbed.request("GET", "/v1/services") as response:
        assert response.headers["Cache-Control"] == "public, no-cache"
        assert "Vary" not in response.headers
    async with testbed.request("POST", "/v1/sessions", json=BODIES["open_session"]) as response:
        assert response.headers["Cache-Control"] == "private, no-store"
    async with testbed.request("GET", "/v1/order_statuses") as response:
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        codes = [row["code"] for row in (await response.json())["data"]]
        assert codes == [1, 2, 3, 4, 7]
    assert (await testbed.problem("GET", ORDER))["headers"]["Cache-Control"] == "no-store"


@on_gateway()
async def test_security_headers_are_sent(testbed: GatewayTestbed) -> None:
    for path in ("/v1/help", "/nothing", "/healthz"):
        async with testbed.request("GET", path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert response.headers["Server"] == "MicroTasks"


@on_gateway()
async def test_signing_in_names_the_client(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    for agent, client in (("Phone/1", "Phone/1"), ("x" * 400, "x" * 300)):
        async with testbed.request(
            "POST", "/v1/sessions", json=BODIES["open_session"], headers={"User-Agent": agent}
        ) as response:
            assert response.status == 201
        assert testbed.rpc.last[2]["client"] == client


@on_gateway()
async def test_signing_in_passes_on_the_device_tokens(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(accounts.OPEN_SESSION, RESULT)
    for sent, passed_on in ((None, ""), ("one two", "one two"), ("x" * 2000, "x" * 1000), ("\xfc", "\xfc")):
        headers = {} if sent is None else {"Device-Token": sent}
        async with testbed.request(
            "POST", "/v1/sessions", json=BODIES["open_session"], headers=headers
        ) as response:
            assert response.status == 201
        assert testbed.rpc.last[2]["device_tokens"] == passed_on
        accounts.OPEN_SESSION.accept(testbed.rpc.last[2])
