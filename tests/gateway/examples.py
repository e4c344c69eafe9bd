"""A valid request for every route."""

from typing import Any

from gateway.routing.policies import BodyFormat
from gateway.routing.route import Route
from tests.gateway.testbed import BEN, ORDER_ID, SERVICE_ID, SESSION_ID

PAYMENT_ID = "01890000-0000-7000-8000-0000000000b1"
MESSAGE_ID = "01890000-0000-7000-8000-0000000000c1"
PRICE = {"amount": 4500, "currency": "EUR"}

BODIES: dict[str, dict[str, Any]] = {
    "register_account": {"email": "a@example.com", "password": "long enough 1", "display_name": "Anna"},
    "open_session": {"email": "a@example.com", "password": "long enough 1"},
    "refresh_session": {"refresh_token": "r" * 43},
    "change_me": {"display_name": "Anna B"},
    "change_password": {"current_password": "long enough 1", "new_password": "long enough 2"},
    "post_service": {
        "title": "Proofreading",
        "description": "I read your text twice and mark every mistake.",
        "category": "writing",
        "price": PRICE,
        "delivery_days": 3,
        "revisions": 1,
    },
    "change_service": {"title": "Proofreading, twice"},
    "submit_order": {"service_id": SERVICE_ID, "requirements": "Ten pages, please.", "expected_price": PRICE},
    "transition_order": {"transition": "decline", "reason": "No time."},
    "post_message": {"body": "Hello"},
    "mark_messages_read": {"up_to": MESSAGE_ID},
    "mark_notification": {"read": True},
    "change_preferences": {"messages": {"email": False}},
    "pay_order": {"method": "sandbox_ok"},
    "refund_payment": {"amount": PRICE, "reason": "Half of it was late."},
    "request_payout": {"amount": PRICE},
    "answer_sandbox_action": {"approve": True},
    "submit_review": {"rating": 5, "text": "Very good"},
    "change_review": {"rating": 4},
    "reply_to_review": {"text": "Thank you"},
}
QUERIES = {"list_orders": "?role=customer", "search_services": "?q=text"}
PATH_VALUES = {
    "file": "start.js",
    "code": "not_found",
    "account_id": BEN,
    "session_id": SESSION_ID,
    "month": "2026-11",
    "token": "t" * 32,
}
RESULT = {
    "id": ORDER_ID,
    "order_id": ORDER_ID,
    "payment_id": PAYMENT_ID,
    "session_id": SESSION_ID,
    "version": 3,
}
PAGE = {"data": [{"id": ORDER_ID}], "next_cursor": None}


def address_of(route: Route) -> str:
    """Returns the path with valid ids, and the query that the route requires."""
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    path = route.path.format_map({name: PATH_VALUES.get(name, ORDER_ID) for name in names})
    return path + QUERIES.get(route.operation_id, "")


def options_of(route: Route) -> dict[str, Any]:
    """Returns headers and body of a valid request."""
    headers = (
        {"Idempotency-Key": f"key of {route.operation_id}", "If-Match": '"3.abc"'} if route.writes else {}
    )
    if route.body_format is BodyFormat.TEXT:
        signed = {"Stripe-Signature": "t=1,v1=00", "Content-Type": "application/json"}
        return {"headers": {**headers, **signed}, "data": b'{"id": "evt_1"}'}
    return {"headers": headers, **({"json": BODIES[route.operation_id]} if route.body is not None else {})}
