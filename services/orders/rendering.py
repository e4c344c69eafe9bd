"""Rows as the JSON of the public contract."""

from collections.abc import Mapping
from typing import Any

from kit.tokens import Caller
from kit.validation import rfc3339
from services.orders.contract import STATUSES, Status
from services.orders.lifecycle import OrderState, available_transitions, roles_on

Json = dict[str, Any]
Row = Mapping[Any, Any]
"""An order's columns with `customer_name` and `provider_name`, or a line of its history."""

STATE_FIELDS = tuple(OrderState.__dataclass_fields__)
SYSTEM_NAME = "MicroTasks"
_NAMES = {row["code"]: row for row in STATUSES}


def state_of(row: Row) -> OrderState:
    """What the rules look at."""
    values = {field: row[field] for field in STATE_FIELDS}
    return OrderState(**{**values, "status": Status(row["status"])})


def render_order(row: Row, caller: Caller) -> Json:
    """The order as this caller sees it: only `available_transitions` depends on them."""
    state = state_of(row)
    roles = roles_on(state, caller.id, caller.is_staff)
    return {
        "id": row["id"],
        "number": number_of(row),
        "status": int(state.status),
        "status_name": _NAMES[state.status]["name"],
        "status_label": _NAMES[state.status]["label"],
        **parties_of(row),
        "price": price_of(row),
        "requirements": row["requirements"],
        "payment_status": state.payment_status,
        "disputed": state.disputed,
        "revisions_used": state.revisions_used,
        "revisions_allowed": state.revisions_allowed,
        "due_at": _moment(state.due_at),
        "confirm_by": _moment(state.confirm_by),
        "created_at": _moment(row["created_at"]),
        "updated_at": _moment(state.updated_at),
        "version": state.version,
        "available_transitions": available_transitions(state, roles),
    }


def render_transition(row: Row) -> Json:
    """One line of history; the system is an actor without an id."""
    return {
        "sequence": row["sequence"],
        "transition": row["transition"],
        "from_status": row["from_status"],
        "to_status": row["to_status"],
        "actor": {
            "id": row["actor_id"],
            "display_name": SYSTEM_NAME if row["actor_id"] is None else row["actor_name"],
            "role": row["actor_role"],
        },
        "reason": row["reason"],
        "note": row["note"],
        "created_at": _moment(row["created_at"]),
    }


def number_of(row: Row) -> str:
    """The number people quote."""
    return f"MT-{row['number']}"


def price_of(row: Row) -> Json:
    """The price at submission."""
    return {"amount": row["price_minor"], "currency": row["currency"]}


def parties_of(row: Row) -> Json:
    """Who and what: customer, provider and the service as it was called at submission."""
    return {
        "service": {"id": row["service_id"], "title": row["service_title"]},
        "customer": {"id": row["customer_id"], "display_name": row["customer_name"]},
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
    }


def _moment(value: Any) -> str | None:
    return None if value is None else rfc3339(value)
