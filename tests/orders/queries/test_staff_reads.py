"""What staff read of an order that is not their own is logged; what its parties read is not."""

from typing import Any

from structlog.testing import capture_logs

from kit.security.tokens import Caller
from services.orders import contract
from tests.orders.market import Market


def staff_reads(market: Market, caller: Caller, order_id: str) -> list[tuple[Any, ...]]:
    """What is logged when somebody reads an order and its history; both take one statement."""
    with capture_logs() as logs:
        for rpc in (contract.GET_ORDER, contract.LIST_TRANSITIONS):
            market.harness.call_as(caller, rpc, order_id=order_id)
            assert len(market.harness.statements) == 1
    reads = [line for line in logs if line["event"] == "staff_read"]
    return [(line["resource"], line["account_id"], line["order_id"]) for line in reads]


def test_staff_who_read_an_order_and_its_history_are_logged(market: Market) -> None:
    order_id, staff = market.submit()["id"], market.staff
    assert staff_reads(market, staff, order_id) == [
        ("order", staff.id, order_id),
        ("history", staff.id, order_id),
    ]


def test_parties_are_not_even_when_they_are_staff(market: Market) -> None:
    order_id = market.submit()["id"]
    both = Caller(market.customer.id, "Carl", frozenset({"member", "staff"}), market.customer.session_id)
    for party in (market.customer, market.provider, both):
        assert staff_reads(market, party, order_id) == []
