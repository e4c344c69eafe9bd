"""Every error is a problem document, and reveals no more than it should."""

import asyncio
from typing import Any

import pytest

from gateway.http.problem_kinds import KINDS
from kit.errors import (
    BadQuery,
    Conflict,
    Declined,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    RemoteFailure,
    ServiceError,
    Stale,
    TimedOut,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from services.catalog import contract as catalog
from services.orders import contract as orders
from tests.gateway.testbed import ANNA, ORDER_ID, GatewayTestbed, on_gateway

ORDER = f"/v1/orders/{ORDER_ID}"
STATUSES: list[tuple[ServiceError, int]] = [
    (NotFound("No."), 404),
    (Forbidden("No."), 403),
    (Unauthenticated("No."), 401),
    (Conflict("No.", code="invalid_transition"), 409),
    (Stale("No."), 412),
    (Gone("No."), 410),
    (Declined("No."), 402),
    (TooMany("No.", retry_after_seconds=7), 429),
    (Unavailable("No."), 503),
    (TimedOut("No."), 504),
    (Invalid("No."), 422),
    (BadQuery("No."), 400),
]


@on_gateway()
async def test_each_kind_of_service_error_has_its_status(testbed: GatewayTestbed) -> None:
    for error, status in STATUSES:
        testbed.rpc.answer(orders.GET_ORDER, error)
        problem = await testbed.problem("GET", ORDER, ANNA)
        assert (problem["status"], problem["code"], problem["detail"]) == (status, error.code, "No.")
        assert ("Retry-After" in problem["headers"]) == (status in (429, 503, 504))
        assert ("WWW-Authenticate" in problem["headers"]) == (status == 401)
    testbed.rpc.answer(orders.GET_ORDER, TooMany("No.", retry_after_seconds=7))
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert problem["headers"]["Retry-After"] == "7"
    assert "retry_after_seconds" not in problem


@on_gateway()
async def test_a_conflict_has_the_order_s_status_and_cannot_forge_other_members(
    testbed: GatewayTestbed,
) -> None:
    data: dict[str, Any] = {"current_status": 4, "available_transitions": [], "status": 200, "type": "x"}
    testbed.rpc.answer(orders.GET_ORDER, Conflict("Too late.", code="invalid_transition", **data))
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert problem["current_status"] == 4
    assert problem["available_transitions"] == []
    assert problem["status"] == 409


@on_gateway()
async def test_bad_fields_from_services_have_pointers(testbed: GatewayTestbed) -> None:
    nested = [{"field": "price.amount", "code": "invalid", "detail": "No."}]
    testbed.rpc.answer(orders.GET_ORDER, Invalid("No.", errors=nested))
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert problem["errors"] == [{"pointer": "#/price/amount", "code": "invalid", "detail": "No."}]
    testbed.rpc.answer(catalog.SEARCH_SERVICES, BadQuery.parameter("cursor", "invalid_cursor", "No."))
    problem = await testbed.problem("GET", "/v1/services?cursor=x")
    assert problem["errors"] == [{"parameter": "cursor", "code": "invalid_cursor", "detail": "No."}]
    assert problem["code"] == "invalid_query"
    header = [{"header": "Idempotency-Key", "code": "idempotency_key_reused", "detail": "No."}]
    testbed.rpc.answer(orders.GET_ORDER, Invalid("No.", code="idempotency_key_reused", errors=header))
    problem = await testbed.problem("GET", ORDER, ANNA)
    assert (problem["status"], problem["errors"]) == (422, header)


@on_gateway()
async def test_an_unexpected_failure_reveals_nothing(testbed: GatewayTestbed) -> None:
    for error in (RemoteFailure("KeyError: secret-canary"), ValueError("secret-canary")):
        testbed.rpc.answer(orders.GET_ORDER, error)
        async with testbed.request("GET", ORDER, ANNA) as response:
            assert response.status == 500
            assert response.content_type == "application/problem+json"
            assert "canary" not in await response.text()


@on_gateway()
async def test_an_unknown_path_is_a_problem_too(testbed: GatewayTestbed) -> None:
    for path in ("/", "/v1", "/v1/", "/v1/orders/", "/v2/orders", "/v1/staff/accounts", "//", "/v1/%ff"):
        problem = await testbed.problem("GET", path, ANNA)
        assert (problem["status"], problem["code"]) == (404, "not_found"), path
    problem = await testbed.problem("DELETE", "/v1/orders", ANNA)
    assert (problem["status"], problem["code"]) == (405, "method_not_allowed")
    assert problem["headers"]["Allow"] == "GET, HEAD, OPTIONS, POST"


@on_gateway()
async def test_what_is_not_http_is_a_problem_too(testbed: GatewayTestbed) -> None:
    url = testbed.client._base_url
    assert url is not None
    for garbage in (b"what?\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"):
        reader, writer = await asyncio.open_connection(url.host, url.port or 0)
        writer.write(garbage)
        answer = await reader.read()
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), answer
        assert b"application/problem+json" in answer
        writer.close()


@on_gateway()
async def test_every_problem_has_a_readable_page(testbed: GatewayTestbed) -> None:
    for code, kind in KINDS.items():
        async with testbed.request("GET", f"/problems/{code}") as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            text = await response.text()
            assert code in text and str(kind.status) in text
    assert (await testbed.problem("GET", "/problems/nonsense"))["status"] == 404


@pytest.mark.parametrize("code", KINDS)
def test_titles_and_meanings_are_sentences_for_people(code: str) -> None:
    kind = KINDS[code]
    assert kind.title[0].isupper() and kind.meaning.endswith(".")
    assert 400 <= kind.status < 600
