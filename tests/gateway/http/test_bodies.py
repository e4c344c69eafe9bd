"""Bodies and query strings: malformed ones are refused without any other effect."""

import asyncio
import gzip
import json
import sys
from typing import Any

import pytest

from services.orders import contract as orders
from services.reviews import contract as reviews
from tests.gateway.examples import BODIES, PAGE, RESULT
from tests.gateway.testbed import ANNA, ORDER_ID, GatewayTestbed, on_gateway

REVIEW = f"/v1/orders/{ORDER_ID}/review"
JSON = {"Content-Type": "application/json", "Idempotency-Key": "k"}


async def refused(testbed: GatewayTestbed, body: bytes | str, **headers: str) -> dict[str, Any]:
    """The problem of a review with this body."""
    problem = await testbed.problem("POST", REVIEW, ANNA, data=body, headers={**JSON, **headers})
    assert testbed.rpc.calls == []
    return problem


@on_gateway()
async def test_an_unreadable_body_is_400(testbed: GatewayTestbed) -> None:
    bodies: list[bytes | str] = [
        "",
        "{",
        "rating=5",
        b'{"text": "\xff"}',
        b'\xef\xbb\xbf{"rating": 5}',
        '{"rating": 5}'.encode("utf-16"),
        '{"rating": 5, "rating": 4}',
        '{"text": {"a": 1, "a": 2}}',
        '{"rating": NaN}',
        '{"rating": Infinity}',
        '{"rating": -Infinity}',
        '{"text": ' + "[" * 33 + "]" * 33 + "}",
        '{"text": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"text": ' + "[" * 60_000,
        '{"rating": 5} {}',
    ]
    for body in bodies:
        problem = await refused(testbed, body)
        assert (problem["status"], problem["code"]) == (400, "unreadable_body"), body[:40]


@on_gateway()
async def test_bad_values_are_422_with_pointers(testbed: GatewayTestbed) -> None:
    cases: list[tuple[str, str]] = [
        ("[]", "#"),
        ("5", "#"),
        ("null", "#"),
        ('"text"', "#"),
        ('{"rating": 1e999}', "#/rating"),
        ('{"rating": ' + "9" * 5000 + "}", "#/rating"),
        ('{"rating": 6}', "#/rating"),
        ('{"rating": "5"}', "#/rating"),
        ('{"rating": 5.0}', "#/rating"),
        ('{"rating": true}', "#/rating"),
        ('{"rating": null}', "#/rating"),
        ("{}", "#/rating"),
        ('{"rating": 5, "text": "\\ud800"}', "#/text"),
        ('{"rating": 5, "text": "\\u0000"}', "#/text"),
        ('{"rating": 5, "text": 7}', "#/text"),
        ('{"rating": 5, "stars": 1}', "#/stars"),
        ('{"rating": 5, "a/b~c": 1}', "#/a~1b~0c"),
        ('{"rating": 5, "\\ud800": 1}', "#/?"),
        ('{"rating": 5, "text": ' + "[" * 31 + "]" * 31 + "}", "#/text"),
    ]
    for body, pointer in cases:
        problem = await refused(testbed, body)
        assert (problem["status"], problem["code"]) == (422, "validation_failed"), body
        assert [error["pointer"] for error in problem["errors"]] == [pointer], body


@on_gateway()
async def test_a_locale_of_more_than_35_characters_is_refused(testbed: GatewayTestbed) -> None:
    for locale in ("en-" + "a" * 33, "en-" + "-".join(f"w{number:04d}xx" for number in range(7000))):
        problem = await testbed.problem("PATCH", "/v1/me", ANNA, json={"locale": locale})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "#/locale")


@on_gateway()
async def test_money_is_strict(testbed: GatewayTestbed) -> None:
    prices: list[Any] = [0, -1, 10**12 + 1, 1.0, "1", True, None]
    for amount in prices:
        body = {**BODIES["submit_order"], "expected_price": {"amount": amount, "currency": "EUR"}}
        problem = await testbed.problem(
            "POST", "/v1/orders", ANNA, json=body, headers={"Idempotency-Key": "k"}
        )
        assert problem["status"] == 422
        assert problem["errors"][0]["pointer"] == "#/expected_price/amount"
    for currency in ("eur", "XXX ", "", None, 978):
        body = {**BODIES["submit_order"], "expected_price": {"amount": 1, "currency": currency}}
        problem = await testbed.problem(
            "POST", "/v1/orders", ANNA, json=body, headers={"Idempotency-Key": "k"}
        )
        assert problem["errors"][0]["pointer"] == "#/expected_price/currency"


@on_gateway()
async def test_only_strict_json_is_accepted(testbed: GatewayTestbed) -> None:
    body = json.dumps({"rating": 5})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"):
        problem = await refused(testbed, body, **{"Content-Type": kind})
        assert (problem["status"], problem["code"]) == (415, "unsupported_media_type"), kind
    problem = await refused(testbed, gzip.compress(body.encode()), **{"Content-Encoding": "gzip"})
    assert problem["status"] == 415
    testbed.rpc.answer(reviews.SUBMIT_REVIEW, RESULT)
    headers = {"Content-Type": "application/json; charset=UTF-8", "Idempotency-Key": "k"}
    async with testbed.request("POST", REVIEW, ANNA, data=body, headers=headers) as response:
        assert response.status == 201


@on_gateway()
async def test_bodies_over_64_kib_are_413_announced_or_not(testbed: GatewayTestbed) -> None:
    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1024

    for body in (b" " * (64 * 1024 + 1), chunks()):
        problem = await testbed.problem("POST", REVIEW, ANNA, data=body, headers=JSON)
        assert (problem["status"], problem["code"]) == (413, "body_too_large")
    text = json.dumps({"rating": 5, "text": "x"})
    exactly = text.encode() + b" " * (64 * 1024 - len(text))
    testbed.rpc.answer(reviews.SUBMIT_REVIEW, RESULT)
    async with testbed.request("POST", REVIEW, ANNA, data=exactly, headers=JSON) as response:
        assert response.status == 201


@on_gateway()
async def test_a_body_that_never_ends_is_408(testbed: GatewayTestbed) -> None:
    async def forever() -> Any:
        yield b"{"
        await asyncio.sleep(5)

    bodies_module = sys.modules["kit.http.body"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bodies_module, "BODY_SECONDS", 0.1)
        problem = await testbed.problem("POST", REVIEW, ANNA, data=forever(), headers=JSON)
    assert (problem["status"], problem["code"]) == (408, "body_too_slow")


@on_gateway()
async def test_routes_without_a_body_accept_none(testbed: GatewayTestbed) -> None:
    problem = await testbed.problem("POST", "/v1/notifications/read_all", ANNA, json={"x": 1})
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "#/x")
    assert testbed.rpc.calls == []
    bodies: tuple[dict[str, Any], ...] = ({}, {"json": {}})
    for options in bodies:
        async with testbed.request("POST", "/v1/notifications/read_all", ANNA, **options) as response:
            assert response.status == 204


@on_gateway()
async def test_notifications_are_marked_read_for_all_orders_or_for_one(testbed: GatewayTestbed) -> None:
    path = "/v1/notifications/read_all"
    asked: tuple[tuple[str, dict[str, str]], ...] = (
        ("", {}),
        (f"?order_id={ORDER_ID}", {"order_id": ORDER_ID}),
    )
    for query, arguments in asked:
        async with testbed.request("POST", path + query, ANNA) as response:
            assert response.status == 204
        assert testbed.rpc.last[2] == arguments
    problem = await testbed.problem("POST", path + "?order_id=x", ANNA)
    assert (problem["status"], problem["errors"][0]["parameter"]) == (400, "order_id")


@on_gateway()
async def test_bad_query_values_are_400_and_named(testbed: GatewayTestbed) -> None:
    cases = {
        "/v1/orders": "role",
        "/v1/orders?role=staff": "role",
        "/v1/orders?role=customer&status=5": "status",
        "/v1/orders?role=customer&status=1,6": "status",
        "/v1/orders?role=customer&status=": "status",
        "/v1/orders?role=customer&status=pending": "status",
        "/v1/orders?role=customer&sort=price": "sort",
        "/v1/orders?role=customer&limit=0": "limit",
        "/v1/orders?role=customer&limit=101": "limit",
        "/v1/orders?role=customer&limit=ten": "limit",
        "/v1/orders?role=customer&limit=": "limit",
        "/v1/orders?role=customer&role=provider": "role",
        "/v1/services?sort=price": "sort",
        "/v1/services?sort=relevance": "sort",
        "/v1/services?min_price=-5": "min_price",
        "/v1/services?min_rating=nan": "min_rating",
        "/v1/services?q=%00": "q",
        "/v1/notifications?unread=1": "unread",
    }
    for path, parameter in cases.items():
        problem = await testbed.problem("GET", path, ANNA)
        assert (problem["status"], problem["code"]) == (400, "invalid_query"), path
        assert [error["parameter"] for error in problem["errors"]] == [parameter], path
    assert testbed.rpc.calls == []


@on_gateway()
async def test_statuses_are_given_as_codes_separated_by_commas(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.LIST_ORDERS, PAGE)
    async with testbed.request("GET", "/v1/orders?role=customer&status=7,1,2,1&limit=5", ANNA) as response:
        assert response.status == 200
    assert testbed.rpc.last[2] == {
        "role": "customer",
        "status": [1, 2, 7],
        "limit": 5,
        "cursor": None,
        "sort": "-updated_at",
    }
