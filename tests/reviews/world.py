"""A started reviews service with people and orders around it, for tests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uuid6

from chassis.contracts import Rpc
from chassis.errors import NotFound
from chassis.fields import rfc3339
from chassis.tokens import Caller
from services.orders import contract as orders_contract
from services.reviews import contract
from tests.service_harness import Harness, person

Json = dict[str, Any]


def new_id() -> str:
    return str(uuid6.uuid7())


def party(caller: Caller) -> Json:
    return {"id": caller.id, "display_name": caller.display_name}


@dataclass
class Order:
    """An order as the orders service knows it."""

    customer: Caller
    provider: Caller
    service: Json
    id: str = field(default_factory=new_id)
    status: int = 4
    sequence: int = 4
    completed_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def event(self, status: int | None = None, sequence: int | None = None) -> Json:
        """The fields of `order_status_changed` after a transition."""
        to_status = self.status if status is None else status
        return {
            "order_id": self.id,
            "number": "MT-1",
            "order_version": sequence or self.sequence,
            "transition": "confirm",
            "from_status": 3,
            "to_status": to_status,
            "sequence": sequence or self.sequence,
            "disputed": False,
            "customer": party(self.customer),
            "provider": party(self.provider),
            "actor": {**party(self.customer), "role": "customer"},
            "service": self.service,
            "price": {"amount": 4500, "currency": "EUR"},
            "reason": None,
            "note": None,
            "completed_at": rfc3339(self.completed_at) if to_status == 4 else None,
        }

    def answer(self) -> Json:
        """What `get_order` answers."""
        status = next(row for row in orders_contract.STATUSES if row["code"] == self.status)
        answer = {
            "id": self.id,
            "number": "MT-1",
            "status": self.status,
            "status_name": status["name"],
            "status_label": status["label"],
            "service": self.service,
            "price": {"amount": 4500, "currency": "EUR"},
            "customer": party(self.customer),
            "provider": party(self.provider),
            "requirements": "As agreed",
            "payment_status": "due",
            "disputed": False,
            "revisions_used": 0,
            "revisions_allowed": 1,
            "due_at": None,
            "confirm_by": None,
            "created_at": rfc3339(self.completed_at - timedelta(days=3)),
            "updated_at": rfc3339(self.completed_at),
            "version": self.sequence,
            "available_transitions": [],
        }
        assert orders_contract.Order().validate(answer) == {}
        return answer


class FakeOrders:
    """The orders service as reviews sees it: answers for parties and staff, or is away."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.orders: dict[str, Order] = {}
        self.asked = 0
        self.away: Exception | None = None

    def __call__(self, method: Rpc, **arguments: Any) -> Json:
        assert method is orders_contract.GET_ORDER
        self.asked += 1
        if self.away is not None:
            raise self.away
        order = self.orders.get(arguments["order_id"])
        if order is None:
            raise NotFound("There is no such order.")
        return order.answer()


@dataclass
class World:
    """A provider with one service, a customer and everybody else."""

    reviews: Harness
    orders: FakeOrders
    customer: Caller = field(default_factory=lambda: person("Cleo Customer"))
    provider: Caller = field(default_factory=lambda: person("Petra Provider"))
    staff: Caller = field(default_factory=lambda: person("Sam Staff", "staff"))
    stranger: Caller = field(default_factory=lambda: person("Sid Stranger"))
    service: Json = field(default_factory=lambda: {"id": new_id(), "title": "A logo"})

    def order(self, known: bool = True, **differences: Any) -> Order:
        """An order at 4 unless said otherwise; `known` says that its event has arrived."""
        parties = {"customer": self.customer, "provider": self.provider, "service": self.service}
        order = Order(**{**parties, **differences})
        self.orders.orders[order.id] = order
        if known:
            self.reviews.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event())
        return order

    def submit(
        self, order: Order, rating: int = 5, caller: Caller | None = None, key: str | None = None, **more: Any
    ) -> Json:
        """Reviews an order, by its customer unless said otherwise."""
        arguments = {"order_id": order.id, "rating": rating, **more}
        answer = self.reviews.call_as(
            caller or order.customer, contract.SUBMIT_REVIEW, key=key or new_id(), **arguments
        )
        return checked(answer)

    def edit(
        self, review: Json, caller: Caller | None = None, key: str | None = None, **changes: Any
    ) -> Json:
        """Changes a review, by the usual customer unless said otherwise."""
        answer = self.reviews.call_as(
            caller or self.customer,
            contract.CHANGE_REVIEW,
            key=key or new_id(),
            review_id=review["id"],
            **changes,
        )
        return checked(answer)

    def reply(
        self, review: Json, text: str = "Thank you!", caller: Caller | None = None, key: str | None = None
    ) -> Json:
        """Replies to a review, by the usual provider unless said otherwise."""
        answer = self.reviews.call_as(
            caller or self.provider,
            contract.REPLY_TO_REVIEW,
            key=key or new_id(),
            review_id=review["id"],
            text=text,
        )
        return checked(answer)

    def get(self, order: Order, caller: Caller) -> Json:
        """The review of an order, as somebody sees it."""
        return checked(self.reviews.call_as(caller, contract.GET_REVIEW, order_id=order.id))

    def page(self, account: Caller, caller: Caller | None = None, **arguments: Any) -> Json:
        """A page of a profile's reviews."""
        page: Json = self.reviews.call_as(
            caller, contract.LIST_PROFILE_REVIEWS, account_id=account.id, **arguments
        )
        for review in page["data"]:
            checked(review)
        return page

    def select(self, statement: str) -> list[Json]:
        """Rows of a query."""
        return [dict(row._mapping) for row in self.reviews.execute(statement)]

    def rows(self, table: str) -> list[Json]:
        """Every row of a table."""
        return self.select(f"SELECT * FROM {table}")

    def rating(self, subject: str, subject_id: str) -> tuple[int, int] | None:
        """Stars in total and number of reviews."""
        for row in self.rows("ratings"):
            if (row["subject"], str(row["subject_id"])) == (subject, subject_id):
                return row["stars_total"], row["count"]
        return None

    def events(self, contract_type: str) -> list[Json]:
        """Recorded events of one type, oldest first."""
        return self.reviews.events(contract_type)


def checked(review: Json) -> Json:
    """A review that is exactly what the contract describes."""
    assert contract.Review().validate(review) == {}
    assert set(review) == set(contract.Review().fields)
    return review
