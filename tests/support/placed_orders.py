"""Orders, and a fake of the orders service, for tests of other services."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uuid6

from kit.contracts import Rpc
from kit.errors import NotFound
from kit.security.tokens import Caller
from kit.validation import rfc3339
from services.orders import contract

Json = dict[str, Any]


def new_id() -> str:
    return str(uuid6.uuid7())


def party(caller: Caller) -> Json:
    return {"id": caller.id, "display_name": caller.display_name}


def a_service() -> Json:
    return {"id": new_id(), "title": "A logo"}


def euros(amount: int) -> Json:
    return {"amount": amount, "currency": "EUR"}


@dataclass
class Order:
    """One order; completed unless said otherwise."""

    customer: Caller
    provider: Caller
    service: Json = field(default_factory=a_service)
    price: Json = field(default_factory=lambda: euros(4500))
    id: str = field(default_factory=new_id)
    status: int = 4
    sequence: int = 4
    completed_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def event(self, status: int | None = None, sequence: int | None = None) -> Json:
        """Returns the fields of `order_status_changed` after the last transition, or after another one."""
        to_status = self.status if status is None else status
        done = to_status == 4
        return {
            "order_id": self.id,
            "order_version": sequence or self.sequence,
            "transition": "confirm" if done else "complete_work",
            "from_status": 3 if done else 2,
            "to_status": to_status,
            "sequence": sequence or self.sequence,
            "actor": {**party(self.customer), "role": "customer"},
            "reason": None,
            "note": None,
            "completed_at": rfc3339(self.completed_at) if done else None,
            **self._agreed(),
        }

    def answer(self) -> Json:
        """Returns the answer of `get_order`."""
        status = next(row for row in contract.STATUSES if row["code"] == self.status)
        answer = {
            "id": self.id,
            "status": self.status,
            "status_name": status["name"],
            "status_label": status["label"],
            "requirements": "As agreed",
            "payment_status": "due" if self.status == 4 else "not_due",
            "revisions_used": 0,
            "revisions_allowed": 1,
            "due_at": None,
            "confirm_by": None,
            "created_at": rfc3339(self.completed_at - timedelta(days=3)),
            "updated_at": rfc3339(self.completed_at),
            "version": self.sequence,
            "available_transitions": [],
            **self._agreed(),
        }
        assert contract.Order().validate(answer) == {}
        return answer

    def _agreed(self) -> Json:
        return {
            "number": "MT-100001",
            "service": self.service,
            "price": self.price,
            "customer": party(self.customer),
            "provider": party(self.provider),
            "disputed": False,
        }


class FakeOrders:
    """A fake of the orders service: it returns every order to everybody, or is unavailable."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Removes all orders."""
        self.orders: dict[str, Order] = {}
        self.asked = 0
        self.away: Exception | None = None

    def __call__(self, method: Rpc, **arguments: Any) -> Json:
        assert method is contract.GET_ORDER
        self.asked += 1
        if self.away is not None:
            raise self.away
        order = self.orders.get(arguments["order_id"])
        if order is None:
            raise NotFound("There is no such order.")
        return order.answer()
