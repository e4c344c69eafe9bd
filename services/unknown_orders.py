"""What a service does about an order whose events have not arrived there yet: it asks orders."""

from collections.abc import Callable
from typing import TypeVar

from kit.errors import NotFound, RemoteFailure, TimedOut, Unavailable
from services.orders import contract as orders_contract
from services.orders.types import Order

Result = TypeVar("Result")


class OrderUnknown(NotFound):
    """What is known here of an order does not suffice to decide, or there is no such order.

    It carries the answer of a service that cannot ask orders.
    """


def run_with_order(
    get_order: Callable[..., Order], order_id: str, work: Callable[[Order | None], Result]
) -> Result:
    """Runs `work(None)`; if it raises OrderUnknown, asks orders as the caller and runs `work(order)`.

    Orders decides whether the caller may see the order. `get_order` is the service's client of
    orders; `work` stores what it needs of the order, and opens its transactions itself.

    Raises: what `work` raises; NotFound when orders shows the caller no such order; Unavailable
    or TimedOut when orders does not answer.
    """
    try:
        return work(None)
    except OrderUnknown:
        order = get_order(orders_contract.GET_ORDER, order_id=order_id)
    return work(order)


def run_with_order_if_available(
    get_order: Callable[..., Order], order_id: str, work: Callable[[Order | None], Result]
) -> Result:
    """Runs `work` as `run_with_order` does, for reads that never fail because of orders.

    Raises: what `work` raises, its OrderUnknown also when orders does not answer or fails; NotFound when
    orders shows the caller no such order.
    """
    try:
        return work(None)
    except OrderUnknown as unknown:
        try:
            order = get_order(orders_contract.GET_ORDER, order_id=order_id)
        except (Unavailable, TimedOut, RemoteFailure):
            raise unknown from None
    return work(order)
