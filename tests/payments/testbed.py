"""A started payments service with people and completed orders around it, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kit.security.tokens import Caller
from services.orders import contract as orders_contract
from services.payments import contract
from services.payments.ledger.audit import Finding, audit_ledger
from services.payments.payment_context import PaymentContext, make_payment_context
from services.payments.settings import PaymentSettings
from tests.support.placed_orders import FakeOrders, Json, Order
from tests.support.service_harness import Harness, make_service, person

FAST = {"payment_check_seconds": 1, "sandbox_callback_seconds": 0, "processor_timeout_seconds": 3}


@dataclass
class PaymentsTestbed:
    """A provider, a customer and others; new ones for each test, because a ledger is append-only."""

    payments: Harness
    orders: FakeOrders
    settings: PaymentSettings
    customer: Caller = field(default_factory=lambda: person("Cleo Customer"))
    provider: Caller = field(default_factory=lambda: person("Petra Provider"))
    staff: Caller = field(default_factory=lambda: person("Sam Staff", "staff"))
    stranger: Caller = field(default_factory=lambda: person("Sid Stranger"))

    @property
    def context(self) -> PaymentContext:
        return make_payment_context(self.payments.db, self.settings)

    def order(self, price: Json | None = None, known: bool = True, **differences: Any) -> Order:
        """An order at 4 unless said otherwise; `known` says that its event has arrived."""
        more = {} if price is None else {"price": price}
        order = Order(**{"customer": self.customer, "provider": self.provider, **more, **differences})
        self.orders.orders[order.id] = order
        if known:
            self.payments.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event())
        return order

    def pay(
        self,
        order: Order,
        method: str = "sandbox_ok",
        caller: Caller | None = None,
        key: str | None = None,
        fingerprint: str = "same",
    ) -> Json:
        """Pays an order, by its customer unless said otherwise."""
        return checked(
            contract.Payment,
            self.payments.call_as(
                caller or order.customer,
                contract.PAY_ORDER,
                key=key,
                fingerprint=fingerprint,
                order_id=order.id,
                method=method,
            ),
        )

    def paid(self, price: Json | None = None, **differences: Any) -> Json:
        """A paid payment of a new order."""
        payment = self.pay(self.order(price, **differences))
        assert payment["status"] == "paid"
        return payment

    def refund(
        self,
        payment: Json,
        amount: Json | None = None,
        caller: Caller | None = None,
        key: str | None = None,
    ) -> Json:
        """Refunds a payment, by the provider unless said otherwise."""
        who = caller or self.provider
        arguments = {"payment_id": payment["id"], "amount": amount, "reason": "As agreed."}
        return checked(
            contract.Refund, self.payments.call_as(who, contract.REFUND_PAYMENT, key=key, **arguments)
        )

    def pay_out(self, amount: Json, caller: Caller | None = None, key: str | None = None) -> Json:
        """Pays out, to the provider unless said otherwise."""
        who = caller or self.provider
        return checked(
            contract.Payout, self.payments.call_as(who, contract.REQUEST_PAYOUT, key=key, amount=amount)
        )

    def get(self, payment: Json, caller: Caller | None = None) -> Json:
        """A payment as one caller sees it."""
        who = caller or self.customer
        return checked(
            contract.Payment, self.payments.call_as(who, contract.GET_PAYMENT, payment_id=payment["id"])
        )

    def balance(self, caller: Caller | None = None) -> tuple[dict[str, int], dict[str, int]]:
        """What is available and what is pending, by currency."""
        answer = self.payments.call_as(caller or self.provider, contract.GET_BALANCE)
        assert contract.Balance().validate(answer) == {}
        available, pending = (
            {money["currency"]: money["amount"] for money in answer[kind]}
            for kind in ("available", "pending")
        )
        return available, pending

    def transactions(self, caller: Caller) -> list[Json]:
        """A person's lines of the ledger, newest first."""
        page = self.payments.call_as(caller, contract.LIST_TRANSACTIONS, limit=100)
        lines: list[Json] = [checked(contract.Transaction, line) for line in page["data"]]
        return lines

    def make_releasable(self, payment: Json) -> None:
        """Time travel: the holding period is over."""
        self.change("payments", payment["id"], "available_at = now() - interval '1 second'")

    def release(self, payment: Json) -> None:
        """The holding period of a payment passes."""
        self.make_releasable(payment)
        self.payments.tick("release_shares")

    def reconcile(self) -> None:
        """Reconciles everything that is undecided, now."""
        for table in ("payments", "refunds", "payouts"):
            self.payments.execute(
                f"UPDATE {table} SET check_at = now() - interval '1 second' WHERE check_at IS NOT NULL"
            )
        self.payments.tick("reconcile_pending")

    def change(self, table: str, row_id: str, assignments: str) -> None:
        """Time travel: sets columns directly."""
        self.payments.execute(f"UPDATE {table} SET {assignments} WHERE id = CAST(:id AS uuid)", id=row_id)

    def changes(self, order: Order) -> list[tuple[str, str]]:
        """The published changes of an order's payment: change and status, oldest first."""
        return [(e["change"], e["payment_status"]) for e in self.payment_events(order)]

    def payment_events(self, order: Order) -> list[Json]:
        """The events about an order's payment, oldest first."""
        return [e for e in self.payments.events("payment_changed") if e["order_id"] == order.id]

    def entries(self, order: Order) -> dict[str, list[int]]:
        """The entries of an order's movements, by account."""
        rows = self.payments.execute(
            "SELECT account, amount_minor FROM ledger_entries e JOIN ledger_movements m"
            " ON m.id = e.movement_id WHERE m.order_id = CAST(:id AS uuid) ORDER BY e.id",
            id=order.id,
        )
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(row.account, []).append(row.amount_minor)
        return found

    def captured(self, order: Order) -> int:
        """How many charges of an order the sandbox has captured."""
        rows = self.payments.execute(
            "SELECT count(*) FROM sandbox.charges WHERE order_id = :id AND state = 'captured'",
            id=order.id,
        )
        return int(rows[0][0])

    def findings(self) -> list[Finding]:
        """The findings of an audit."""
        return audit_ledger(self.context)


def checked(schema: Any, answer: Json) -> Json:
    """An answer that is exactly what the contract describes."""
    assert schema().validate(answer) == {}
    assert set(answer) == set(schema().fields)
    return answer


@contextmanager
def started(**settings: Any) -> Iterator[tuple[Harness, FakeOrders, PaymentSettings]]:
    """The service on a database of its own."""
    orders, chosen = FakeOrders(), {**FAST, **settings}
    with make_service("payments", remote={"orders": orders}, overrides={PaymentSettings: chosen}) as harness:
        yield harness, orders, PaymentSettings(**chosen)
