"""Every route is declared completely, served as declared, and makes one call."""

import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from gateway.app import ROUTES, build_app
from gateway.contracts import CONTRACTS
from gateway.http.problem_kinds import KINDS
from gateway.routing.openapi import document_of
from gateway.routing.policies import (
    Access,
    CacheControl,
    CacheRegion,
    IdempotencyKey,
    IfMatch,
    RateLimit,
    ResponseKind,
)
from gateway.routing.route import Route
from gateway.settings import GatewaySettings
from gateway.state import GATEWAY
from kit.contracts import rpcs_of
from kit.errors import KINDS as ERRORS
from tests.gateway.examples import PAGE, RESULT, address_of, options_of
from tests.gateway.testbed import ANNA, FakeFeed, FakeRpc, GatewayTestbed, on_gateway

NO_CALL = {"list_order_statuses", "list_help", "stream_events"}
WRITE_THEMSELVES = {"show_receipt", "show_statement", "show_sandbox_action", "answer_sandbox_action"}
V1 = [route for route in ROUTES if route.path.startswith("/v1/")]
RELAYED = [route for route in V1 if route.operation_id not in NO_CALL | WRITE_THEMSELVES]


def test_the_table_holds_the_resources_of_the_public_contract() -> None:
    """Spelled out on purpose: a route that is removed or renamed breaks clients."""
    assert {f"{route.method} {route.path}" for route in V1} == {
        "POST /v1/accounts",
        "POST /v1/sessions",
        "POST /v1/sessions/refresh",
        "GET /v1/sessions",
        "DELETE /v1/sessions/{session_id}",
        "DELETE /v1/sessions",
        "GET /v1/me",
        "PATCH /v1/me",
        "GET /v1/me/security_events",
        "PUT /v1/me/password",
        "GET /v1/me/notification_preferences",
        "PATCH /v1/me/notification_preferences",
        "GET /v1/profiles/{account_id}",
        "GET /v1/profiles/{account_id}/reviews",
        "GET /v1/categories",
        "GET /v1/services",
        "GET /v1/services/{service_id}",
        "GET /v1/services/{service_id}/rating",
        "POST /v1/services",
        "PATCH /v1/services/{service_id}",
        "DELETE /v1/services/{service_id}",
        "GET /v1/me/services",
        "POST /v1/orders",
        "GET /v1/orders",
        "GET /v1/orders/{order_id}",
        "POST /v1/orders/{order_id}/transitions",
        "GET /v1/orders/{order_id}/transitions",
        "GET /v1/orders/{order_id}/messages",
        "POST /v1/orders/{order_id}/messages",
        "PUT /v1/orders/{order_id}/messages/read",
        "GET /v1/threads",
        "GET /v1/notifications",
        "GET /v1/notifications/unread_count",
        "PATCH /v1/notifications/{notification_id}",
        "POST /v1/notifications/read_all",
        "GET /v1/orders/{order_id}/payments",
        "POST /v1/orders/{order_id}/payments",
        "GET /v1/orders/{order_id}/receivable",
        "GET /v1/payments/{payment_id}",
        "GET /v1/payments/{payment_id}/receipt",
        "POST /v1/payments/{payment_id}/refunds",
        "GET /v1/me/balance",
        "GET /v1/me/transactions",
        "GET /v1/me/payouts",
        "POST /v1/me/payouts",
        "GET /v1/me/statements/{month}",
        "GET /v1/sandbox/actions/{token}",
        "POST /v1/sandbox/actions/{token}",
        "POST /v1/webhooks/stripe",
        "POST /v1/orders/{order_id}/review",
        "GET /v1/orders/{order_id}/review",
        "PATCH /v1/reviews/{review_id}",
        "POST /v1/reviews/{review_id}/reply",
        "GET /v1/events",
        "GET /v1/order_statuses",
        "GET /v1/help",
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_every_route_declares_its_access_and_its_response(route: Route) -> None:
    assert route.summary
    assert (route.response_schema is None) == (
        route.response_kind in (ResponseKind.EMPTY, ResponseKind.CUSTOM)
    )
    assert (route.idempotency_key is IdempotencyKey.NONE) == (not route.writes)
    assert route.if_match is IfMatch.NONE or route.writes
    assert route.body is None or route.method in ("POST", "PUT", "PATCH")
    assert route.method not in ("PUT", "PATCH") or route.body is not None
    assert route.access is Access.ANYONE or (route.authenticates and route.rate_limit is RateLimit.GENERAL)
    assert route.cache_region is CacheRegion.NONE or (route.access is Access.ANYONE and not route.writes)
    if route.cache_control in (CacheControl.PUBLIC, CacheControl.STATIC):
        assert route.access is Access.ANYONE and not route.writes


def test_handlers_have_unique_names() -> None:
    assert len({route.operation_id for route in ROUTES}) == len(ROUTES)


def test_keys_are_required_where_the_contract_says_so_and_preconditions_on_edits_of_services() -> None:
    required = {route.operation_id for route in ROUTES if route.idempotency_key is IdempotencyKey.REQUIRED}
    assert required == {
        "submit_order",
        "transition_order",
        "submit_review",
        "pay_order",
        "refund_payment",
        "request_payout",
    }
    if_match = {route.operation_id: route.if_match for route in ROUTES if route.if_match is not IfMatch.NONE}
    assert if_match == {
        "change_service": IfMatch.REQUIRED,
        "archive_service": IfMatch.REQUIRED,
        "transition_order": IfMatch.HONOURED,
    }


def test_served_routes_are_the_document() -> None:
    gateway = build_app(GatewaySettings(), FakeRpc(), FakeFeed())
    served = {
        (route.resource.canonical, route.method.lower())
        for route in gateway.router.routes()
        if route.resource is not None and route.method not in ("OPTIONS", "HEAD")
    }
    document = document_of(ROUTES)
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert served == described
    assert gateway[GATEWAY].openapi


@pytest.mark.filterwarnings("error")
def test_the_document_is_valid_openapi_and_describes_times_and_money() -> None:
    document = document_of(ROUTES)
    assert document["openapi"] == "3.1.0"
    validate(document)
    schemas = document["components"]["schemas"]
    assert schemas["Order"]["properties"]["created_at"]["format"] == "date-time"
    assert schemas["Money"]["properties"]["amount"]["maximum"] == 10**12


@on_gateway()
async def test_every_route_makes_exactly_one_call_with_the_callers_token(testbed: GatewayTestbed) -> None:
    for route in RELAYED:
        for contract in (rpc for module in CONTRACTS for rpc in rpcs_of(module)):
            testbed.rpc.answer(contract, PAGE if contract.paged else RESULT)
        testbed.rpc.calls.clear()
        testbed.gateway.revocations._until.clear()  # some routes sign the caller out
        who = ANNA if route.access is not Access.ANYONE else None
        async with testbed.request(route.method, address_of(route), who, **options_of(route)) as response:
            assert response.status == route.status, (route.operation_id, await response.text())
            text = await response.text()
        ((contract, headers, arguments),) = testbed.rpc.calls
        contract.arguments().load(arguments)
        assert contract.mutates == route.writes, route.operation_id
        assert contract.paged == (route.response_kind is ResponseKind.PAGE)
        assert contract.result is route.response_schema
        assert bool(headers.access_token) == (who is not None)
        assert headers.address == "127.0.0.1"
        assert bool(headers.idempotency_fingerprint and headers.idempotency_scope) == route.writes
        if route.writes:
            assert headers.idempotency_key == f"key of {route.operation_id}"
        assert bool(text) == (route.response_kind is not ResponseKind.EMPTY)
        assert ("ETag" in response.headers) == (route.response_kind is ResponseKind.RESOURCE)


@on_gateway()
async def test_without_a_token_routes_for_the_signed_in_are_401_without_a_call(
    testbed: GatewayTestbed,
) -> None:
    for route in (route for route in ROUTES if route.access is not Access.ANYONE):
        problem = await testbed.problem(route.method, address_of(route), **options_of(route))
        assert (problem["status"], problem["code"]) == (401, "unauthenticated"), route.operation_id
        assert problem["headers"]["WWW-Authenticate"] == "Bearer"
    assert testbed.rpc.calls == []


@on_gateway()
async def test_malformed_ids_are_404_without_a_call(testbed: GatewayTestbed) -> None:
    for route in (route for route in V1 if "{" in route.path):
        for odd in ("1", "%00", "..%2f", "01890000-0000-7000-8000-00000000000A", "x" * 3000, "%F0%9F%99%82"):
            path = re.sub(r"\{\w+\}", odd, route.path)
            problem = await testbed.problem(route.method, path, ANNA, **options_of(route))
            assert (problem["status"], problem["code"]) == (404, "not_found"), (route.operation_id, odd)
    assert testbed.rpc.calls == []


@on_gateway()
async def test_unknown_query_parameters_are_400_everywhere(testbed: GatewayTestbed) -> None:
    for route in V1:
        address = address_of(route)
        address += ("&" if "?" in address else "?") + "surprise=1"
        problem = await testbed.problem(route.method, address, ANNA, **options_of(route))
        assert (problem["status"], problem["code"]) == (400, "invalid_query"), route.operation_id
        assert problem["errors"] == [
            {"parameter": "surprise", "code": "unknown_parameter", "detail": "Unknown field."}
        ]
    assert testbed.rpc.calls == []


@on_gateway()
async def test_every_path_supports_options_and_405_names_the_allowed_methods(testbed: GatewayTestbed) -> None:
    for path in {route.path for route in ROUTES}:
        address = address_of(next(route for route in ROUTES if route.path == path)).partition("?")[0]
        methods = {route.method for route in ROUTES if route.path == path}
        async with testbed.request("OPTIONS", address) as response:
            assert response.status == 204
            allowed = set(response.headers["Allow"].split(", "))
            assert methods | {"OPTIONS"} == allowed - {"HEAD"}, path
        problem = await testbed.problem("TRACE", address)
        assert problem["status"] == 405
        assert set(problem["headers"]["Allow"].split(", ")) >= allowed


def test_every_code_a_service_raises_has_a_page(repository: Path) -> None:
    """Codes are found in the services' sources as `code="..."`, so a new one without a page fails."""
    raised = set()
    for source in [*repository.glob("services/**/*.py"), *repository.glob("chassis/**/*.py")]:
        raised |= set(
            re.findall(r'code="(\w+)"|(?:Invalid\.field|_error)\("\w+", "(\w+)"', source.read_text())
        )
    codes = {one or other for one, other in raised}
    assert len(codes) > 20
    assert codes <= set(KINDS), codes - set(KINDS)
    assert {error("why").code for error in ERRORS.values()} <= set(KINDS)
