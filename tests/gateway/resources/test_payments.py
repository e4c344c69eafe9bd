"""Payments: stored refusals, webhooks byte for byte, the sandbox's page."""

from typing import Any

import pytest

from gateway.http.bodies import parse_form
from gateway.http.problems import Problem
from gateway.upstream.rpc_client import Reply
from kit.errors import Conflict, Declined, NotFound, Unauthenticated
from services.payments import contract as payments
from tests.gateway.testbed import ANNA, ORDER_ID, GatewayTestbed, on_gateway

PAYMENTS = f"/v1/orders/{ORDER_ID}/payments"
WEBHOOK = "/v1/webhooks/stripe"
TOKEN = "t" * 32
ACTION = f"/v1/sandbox/actions/{TOKEN}"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@on_gateway()
async def test_a_declined_payment_is_a_402_that_may_be_a_stored_one(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(payments.PAY_ORDER, Declined("The card was declined."))
    problem = await testbed.problem(
        "POST", PAYMENTS, ANNA, json={"method": "sandbox_declined"}, headers={"Idempotency-Key": "k"}
    )
    assert (problem["status"], problem["code"]) == (402, "payment_declined")
    contract, headers, arguments = testbed.rpc.last
    assert contract is payments.PAY_ORDER
    assert (headers.idempotency_key, headers.idempotency_scope) == ("k", ANNA)
    assert arguments == {"order_id": ORDER_ID, "method": "sandbox_declined"}


@on_gateway()
async def test_a_webhook_reaches_payments_byte_for_byte(testbed: GatewayTestbed) -> None:
    body = '{ "id":"evt_1",\n  "x": 1e400, "a": 1, "a": "Zoë" }'.encode()
    headers = {"Stripe-Signature": "t=1,v1=ab", **JSON}
    async with testbed.request("POST", WEBHOOK, data=body, headers=headers) as response:
        assert (response.status, await response.read()) == (204, b"")
    assert testbed.rpc.last[2] == {"payload": body.decode(), "signature": "t=1,v1=ab"}


@on_gateway(body_limit_bytes=1000)
async def test_what_stripe_never_sent_is_refused(testbed: GatewayTestbed) -> None:
    problem = await testbed.problem("POST", WEBHOOK, data=b"{}", headers=JSON)
    assert (problem["status"], problem["code"]) == (400, "bad_signature")
    assert problem["errors"][0]["header"] == "Stripe-Signature"
    signed = {"Stripe-Signature": "t=1,v1=ab", **JSON}
    for body, status in ((b"\xff", 400), (b" " * 1001, 413)):
        assert (await testbed.problem("POST", WEBHOOK, data=body, headers=signed))["status"] == status
    assert testbed.rpc.calls == []
    testbed.rpc.answer(payments.TAKE_STRIPE_WEBHOOK, Unauthenticated("Forged.", code="bad_signature"))
    problem = await testbed.problem("POST", WEBHOOK, data=b"{}", headers=signed)
    assert (problem["status"], problem["code"], problem["detail"]) == (400, "bad_signature", "Forged.")
    assert "WWW-Authenticate" not in problem["headers"]
    testbed.rpc.answer(payments.TAKE_STRIPE_WEBHOOK, NotFound("Stripe is not used here."))
    assert (await testbed.problem("POST", WEBHOOK, data=b"{}", headers=signed))["status"] == 404


def _action(status: str = "requires_action") -> dict[str, Any]:
    return {"amount": {"amount": 4500, "currency": "EUR"}, "status": status, "order_id": ORDER_ID}


@on_gateway()
async def test_the_sandboxs_page_works_without_a_script(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(payments.GET_SANDBOX_ACTION, _action())
    async with testbed.request("GET", ACTION, headers={"Accept": "text/html,*/*;q=0.8"}) as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
        assert response.content_type == "text/html"
    assert "Pay €45.00?" in page and '<form method="post">' in page
    assert "<script" not in page and "http" not in page
    assert "script-src" not in policy and "default-src 'none'" in policy and "form-action 'self'" in policy
    assert "unsafe" not in policy
    for status in ("captured", "declined", "cancelled"):
        testbed.rpc.answer(payments.GET_SANDBOX_ACTION, _action(status))
        async with testbed.request("GET", ACTION) as response:
            assert "<form" not in await response.text()


@on_gateway()
async def test_the_sandboxs_page_accepts_a_form_or_json(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(payments.ANSWER_SANDBOX_ACTION, _action("captured"))
    for body, approve in ((b"approve=true", True), (b"approve=false", False)):
        async with testbed.request(
            "POST", ACTION, data=body, headers=FORM, allow_redirects=False
        ) as response:
            assert (response.status, response.headers["Location"]) == (303, ACTION)
        assert testbed.rpc.last[2] == {"token": TOKEN, "approve": approve}
    async with testbed.request("POST", ACTION, json={"approve": True}) as response:
        assert (response.status, await response.json()) == (200, _action("captured"))
    testbed.rpc.answer(payments.ANSWER_SANDBOX_ACTION, Conflict("No.", code="payment_not_waiting"))
    async with testbed.request(
        "POST", ACTION, data=b"approve=true", headers=FORM, allow_redirects=False
    ) as response:
        assert response.status == 303
    problem = await testbed.problem("POST", ACTION, json={"approve": True})
    assert (problem["status"], problem["code"]) == (409, "payment_not_waiting")


@on_gateway()
async def test_a_form_is_validated_and_accepted_nowhere_else(testbed: GatewayTestbed) -> None:
    for body, status in (
        (b"", 400),
        (b"approve=true&approve=false", 400),
        (b"yes=1", 422),
        (b"approve=%ff", 400),
    ):
        assert (await testbed.problem("POST", ACTION, data=body, headers=FORM))["status"] == status, body
    problem = await testbed.problem(
        "POST", PAYMENTS, ANNA, data=b"method=sandbox_ok", headers={**FORM, "Idempotency-Key": "k"}
    )
    assert problem["status"] == 415
    assert testbed.rpc.calls == []
    assert parse_form(b"a=1+2&b=%C3%A9") == {"a": "1 2", "b": "é"}
    with pytest.raises(Problem):
        parse_form(b"a=1&a=2")


@on_gateway()
async def test_a_replayed_payment_is_marked(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(payments.PAY_ORDER, Reply({"id": ORDER_ID, "version": 1}, replayed=True))
    async with testbed.request(
        "POST", PAYMENTS, ANNA, json={"method": "sandbox_ok"}, headers={"Idempotency-Key": "k"}
    ) as response:
        assert response.status == 201
        assert response.headers["Idempotency-Replayed"] == "true"
        assert response.headers["Location"] == f"/v1/payments/{ORDER_ID}"
