"""Rows as the JSON of the public contract."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from kit.security.tokens import Caller
from kit.types import Money, Party
from kit.validation import rfc3339
from services.orders.contract import STATUSES, Status
from services.orders.lifecycle import OrderState, available_transitions, roles_between
from services.orders.types import Order, OrderedService, OrderTransition

OrderRow: TypeAlias = Mapping[Any, Any]
"""An order's columns with `customer_name` and `provider_name`, or those of a line of its history."""

STATE_FIELDS = tuple(OrderState.__dataclass_fields__)
AGREED_FIELDS = ("customer_id", "provider_id", "delivery_days", "revisions_allowed")  # by the submission
SYSTEM_NAME = "MicroTasks"
_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_MEANINGS = {row["code"]: row for row in STATUSES}


class Situation(NamedTuple):
    """All that the rules read of an order to decide which transitions are available."""

    status: int
    disputed: bool
    revisions_are_left: bool
    work_was_completed: bool


def state_of(row: OrderRow) -> OrderState:
    """Returns what the rules need of an order."""
    values = {field: row[field] for field in STATE_FIELDS}
    return OrderState(**{**values, "status": Status(row["status"])})


def render_order(row: OrderRow, caller: Caller) -> Order:
    """Returns the order as this caller sees it: only `available_transitions` depends on the caller."""
    now = situation_of(row)
    roles = roles_between(row["customer_id"], row["provider_id"], caller.id, caller.is_staff)
    meaning = _MEANINGS[row["status"]]
    return {
        "id": row["id"],
        "number": number_of(row),
        "status": int(row["status"]),
        "status_name": meaning["name"],
        "status_label": meaning["label"],
        "service": service_of(row),
        "price": price_of(row),
        "customer": party_of(row, "customer"),
        "provider": party_of(row, "provider"),
        "requirements": row["requirements"],
        "payment_status": row["payment_status"],
        "disputed": now.disputed,
        "revisions_used": row["revisions_used"],
        "revisions_allowed": row["revisions_allowed"],
        "due_at": _time(row["due_at"]),
        "confirm_by": _time(row["confirm_by"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
        "available_transitions": list(available_to(now, roles)),
    }


def situation_of(row: OrderRow) -> Situation:
    """Returns what decides which transitions are available."""
    return Situation(
        row["status"],
        row["disputed_at"] is not None,
        row["revisions_used"] < row["revisions_allowed"],
        row["work_completed_at"] is not None,
    )


@cache  # there are few situations, and a list asks for that of every order
def available_to(situation: Situation, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the transitions that are available in a situation to somebody with these roles."""
    order = OrderState(
        customer_id="",
        provider_id="",
        delivery_days=1,
        revisions_allowed=int(situation.revisions_are_left),
        status=Status(situation.status),
        disputed_at=_ANY_TIME if situation.disputed else None,
        work_completed_at=_ANY_TIME if situation.work_was_completed else None,
    )
    return tuple(available_transitions(order, roles))


def render_transition(row: OrderRow) -> OrderTransition:
    """Returns one line of history; the system is an actor without an id."""
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
        "created_at": rfc3339(row["created_at"]),
    }


def number_of(row: OrderRow) -> str:
    """Returns the number that people quote."""
    return f"MT-{row['number']}"


def price_of(row: OrderRow) -> Money:
    """Returns the price at submission."""
    return {"amount": row["price_minor"], "currency": row["currency"]}


def service_of(row: OrderRow) -> OrderedService:
    """Returns the service as it was called at submission."""
    return {"id": row["service_id"], "title": row["service_title"]}


def party_of(row: OrderRow, role: str) -> Party:
    """Returns the `customer` or the `provider` with their current name."""
    return {"id": row[f"{role}_id"], "display_name": row[f"{role}_name"]}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
