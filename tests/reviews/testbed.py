"""A started reviews service with people and orders around it, for tests."""

from dataclasses import dataclass, field
from typing import Any

from kit.security.tokens import Caller
from services.orders import contract as orders_contract
from services.reviews import contract
from tests.support.placed_orders import FakeOrders, Json, Order, a_service, new_id
from tests.support.service_harness import Harness, person


@dataclass
class ReviewsTestbed:
    """A provider with one service, a customer and everybody else."""

    reviews: Harness
    orders: FakeOrders
    customer: Caller = field(default_factory=lambda: person("Cleo Customer"))
    provider: Caller = field(default_factory=lambda: person("Petra Provider"))
    staff: Caller = field(default_factory=lambda: person("Sam Staff", "staff"))
    stranger: Caller = field(default_factory=lambda: person("Sid Stranger"))
    service: Json = field(default_factory=a_service)

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
