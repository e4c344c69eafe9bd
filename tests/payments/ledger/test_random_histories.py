"""Whatever people do, in whatever order, in however many currencies: every invariant holds."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from kit.errors import Conflict, Declined
from kit.settings import Settings
from tests.payments.processors.test_sandbox import answer, token_of
from tests.payments.testbed import PaymentsTestbed, started
from tests.support.placed_orders import FakeOrders, Json, Order
from tests.support.service_harness import Harness

FEW, MANY = 25, int(os.environ.get("WALKS_EXAMPLES", "300"))

# No, two and three decimals; the smallest and the largest amounts.
PRICES = st.tuples(st.sampled_from([1, 7, 99, 4500, 10**12]), st.sampled_from(["JPY", "EUR", "KWD"])).map(
    lambda pair: {"amount": pair[0], "currency": pair[1]}
)
METHODS = st.sampled_from(
    ["sandbox_ok", "sandbox_declined", "sandbox_action", "sandbox_timeout", "sandbox_late"]
)
PARTS = st.sampled_from([1, 2, 3, 50, 100])
WHICH = st.integers(0, 30)
OPERATIONS = st.one_of(
    st.tuples(st.just("order"), PRICES),
    st.tuples(st.just("pay"), WHICH, METHODS),
    st.tuples(st.just("answer"), WHICH, st.booleans()),
    st.tuples(st.just("call_back")),
    st.tuples(st.just("reconcile")),
    st.tuples(st.just("refund"), WHICH, PARTS),
    st.tuples(st.just("release"), WHICH),
    st.tuples(st.just("pay_out"), st.sampled_from(["JPY", "EUR", "KWD"]), PARTS),
)


class Walk:
    """One provider's business, operation by operation; refused operations change nothing."""

    def __init__(self, testbed: PaymentsTestbed) -> None:
        self.testbed = testbed
        self.orders: list[Order] = [testbed.order()]
        self.payments: list[Json] = []

    def run(self, operation: tuple[object, ...]) -> None:
        """Runs one operation, if there is anything to run it on."""
        name, *arguments = operation
        with suppress(Conflict, Declined):
            getattr(self, str(name))(*arguments)

    def order(self, price: Json) -> None:
        self.orders.append(self.testbed.order(price))

    def pay(self, which: int, method: str) -> None:
        order = self.orders[which % len(self.orders)]
        self.payments.append(self.testbed.pay(order, method))

    def answer(self, which: int, approve: bool) -> None:
        waiting = [payment for payment in self.payments if payment["action_url"]]
        if waiting:
            answer(self.testbed, token_of(waiting[which % len(waiting)]), approve)

    def call_back(self) -> None:
        self.testbed.payments.tick("deliver_sandbox_callbacks")

    def reconcile(self) -> None:
        self.testbed.reconcile()

    def refund(self, which: int, percent: int) -> None:
        if self.payments:
            payment = self.payments[which % len(self.payments)]
            amount = payment["amount"]["amount"] * percent // 100
            money = {**payment["amount"], "amount": amount} if amount else None
            self.testbed.refund(payment, money)

    def release(self, which: int) -> None:
        if self.payments:
            payment = self.testbed.get(self.payments[which % len(self.payments)])
            if payment["paid_at"]:
                self.testbed.release(payment)

    def pay_out(self, currency: str, percent: int) -> None:
        available = self.testbed.balance()[0].get(currency, 0)
        amount = max(1, min(available * percent // 100, 10**12))
        self.testbed.pay_out({"amount": amount, "currency": currency})


def assert_invariants(walk: Walk) -> None:
    """What domain.md promises of payments."""
    testbed = walk.testbed
    assert testbed.findings() == []
    for order in walk.orders:
        assert testbed.captured(order) <= 1
        events = testbed.payment_events(order)
        assert [event["payment_version"] for event in events] == list(range(1, len(events) + 1))
        entries = testbed.entries(order)
        assert sum(sum(amounts) for amounts in entries.values()) == 0
    for payment in walk.payments:
        now = testbed.get(payment)
        assert now["fee"]["amount"] + now["provider_share"]["amount"] == now["amount"]["amount"]
        assert 0 <= now["refunded"]["amount"] <= now["amount"]["amount"]
    available, pending = testbed.balance()
    assert all(amount >= 0 for amount in pending.values())
    assert set(available) == set(pending)


@pytest.fixture(scope="module")
def service(servers: Settings) -> Iterator[PaymentsTestbed]:
    with started() as (harness, orders, chosen):
        yield PaymentsTestbed(harness, orders, chosen)


def with_new_people(service: PaymentsTestbed) -> PaymentsTestbed:
    """The same service with new people."""
    harness: Harness = service.payments
    orders: FakeOrders = service.orders
    return PaymentsTestbed(harness, orders, service.settings)


def prove(service: PaymentsTestbed, walks: int, seed: int) -> None:
    """Whatever people, clocks and the processor do, and in whatever order, money adds up."""

    @seeded(seed)
    @settings(max_examples=walks, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(OPERATIONS, min_size=1, max_size=14))
    def money_adds_up(operations: list[tuple[object, ...]]) -> None:
        walk = Walk(with_new_people(service))
        for operation in operations:
            walk.run(operation)
        assert_invariants(walk)
        walk.call_back()
        walk.reconcile()
        assert_invariants(walk)

    money_adds_up()


def test_every_sequence_of_operations_keeps_every_invariant(service: PaymentsTestbed) -> None:
    prove(service, FEW, seed=1)


@pytest.mark.faults
def test_many_random_sequences_do_so(service: PaymentsTestbed) -> None:
    seed = int(os.environ.get("WALKS_SEED") or secrets.randbelow(2**32))
    print(f"WALKS_SEED={seed}")  # noqa: T201
    prove(service, MANY, seed)
