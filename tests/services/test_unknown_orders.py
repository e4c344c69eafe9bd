from typing import Any

import pytest

from kit.contracts import Rpc
from kit.errors import NotFound, RemoteFailure, TimedOut, Unavailable
from services.orders import contract as orders_contract
from services.orders.types import Order
from services.unknown_orders import OrderUnknown, run_with_order, run_with_order_if_available
from tests.support.placed_orders import Order as PlacedOrder
from tests.support.service_harness import person


class Orders:
    """A client of orders that returns one order, or raises an error."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, method: Rpc, order_id: str) -> Any:
        assert method is orders_contract.GET_ORDER
        self.asked.append(order_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def an_order() -> Any:
    return PlacedOrder(person("Cleo"), person("Pavel")).answer()


def needs_the_order(order: Order | None) -> str:
    if order is None:
        raise OrderUnknown("There is no such order.")
    return order["number"]


def test_orders_is_not_asked_when_the_order_is_known() -> None:
    orders = Orders(an_order())
    assert run_with_order(orders, "id", lambda order: order) is None
    assert orders.asked == []


def test_the_work_runs_again_with_the_answer_of_orders() -> None:
    orders = Orders(an_order())
    assert run_with_order(orders, "id", needs_the_order) == "MT-100001"
    assert orders.asked == ["id"]


@pytest.mark.parametrize("error", [NotFound("There is no such order."), Unavailable("orders is unavailable")])
def test_an_error_of_orders_reaches_the_caller(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        run_with_order(Orders(error), "id", needs_the_order)
    assert raised.value is error


def test_work_that_still_cannot_decide_is_not_found_and_asks_only_once() -> None:
    orders = Orders(an_order())

    def never(order: Order | None) -> None:
        raise OrderUnknown("There is no such order.")

    with pytest.raises(NotFound):
        run_with_order(orders, "id", never)
    assert orders.asked == ["id"]


@pytest.mark.parametrize("error", [NotFound("There is no such review."), ValueError("a fault")])
def test_other_errors_of_the_work_do_not_ask(error: Exception) -> None:
    orders = Orders(an_order())

    def fails(order: Order | None) -> None:
        raise error

    with pytest.raises(type(error)):
        run_with_order(orders, "id", fails)
    assert orders.asked == []


@pytest.mark.parametrize("error", [Unavailable("No."), TimedOut("No."), RemoteFailure("No.")])
def test_a_read_that_can_do_without_orders_ends_as_if_there_were_no_such_order(error: Exception) -> None:
    orders = Orders(error)
    with pytest.raises(OrderUnknown, match="There is no such order"):
        run_with_order_if_available(orders, "id", needs_the_order)
    assert orders.asked == ["id"]


def test_a_read_that_can_do_without_orders_uses_its_answer() -> None:
    assert run_with_order_if_available(Orders(an_order()), "id", needs_the_order) == "MT-100001"
    with pytest.raises(NotFound, match="Not yours"):
        run_with_order_if_available(Orders(NotFound("Not yours.")), "id", needs_the_order)


def test_only_errors_of_orders_are_ignored_by_such_a_read() -> None:
    def fails(order: Order | None) -> None:
        raise OrderUnknown("There is no such order.") if order is None else Unavailable("The database is.")

    with pytest.raises(Unavailable):
        run_with_order_if_available(Orders(an_order()), "id", fails)
