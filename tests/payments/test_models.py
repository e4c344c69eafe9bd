"""The database itself refuses what the rules never do."""

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.payments.ledger import rules as ledger
from services.payments.ledger.journal import record_movement
from services.payments.ledger.rules import Parties, Split
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import euros, new_id


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entries SET amount_minor = amount_minor + 1",
        "UPDATE ledger_movements SET kind = 'payout'",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_movements",
        "TRUNCATE ledger_entries",
        "TRUNCATE ledger_movements CASCADE",
    ],
)
def test_the_ledger_is_only_ever_appended_to(testbed: PaymentsTestbed, change: str) -> None:
    testbed.paid()
    with pytest.raises(DBAPIError, match="append-only"):
        testbed.payments.execute(change)


def _movement(connection: Connection, *amounts: tuple[str, int, str]) -> None:
    payout = connection.scalar(text("SELECT id FROM payouts LIMIT 1"))
    movement = new_id()
    connection.execute(
        text("INSERT INTO ledger_movements (id, kind, payout_id) VALUES (:id, 'payout_return', :payout)"),
        {"id": movement, "payout": payout},
    )
    for account, amount, currency in amounts:
        connection.execute(
            text(
                "INSERT INTO ledger_entries (movement_id, account, owner_id, amount_minor, currency)"
                " VALUES (:id, :account, :owner, :amount, :currency)"
            ),
            {"id": movement, "account": account, "owner": new_id(), "amount": amount, "currency": currency},
        )


@pytest.mark.parametrize(
    "amounts",
    [
        (),
        (("payouts", 1, "EUR"),),
        (("payouts", -5, "EUR"), ("provider_available", 4, "EUR")),
        (("payouts", -5, "EUR"), ("provider_available", 5, "USD")),
    ],
)
def test_a_movement_that_does_not_balance_cannot_be_committed(
    testbed: PaymentsTestbed, amounts: tuple[tuple[str, int, str], ...]
) -> None:
    testbed.release(testbed.paid())
    testbed.pay_out(euros(100))
    with pytest.raises(DBAPIError, match="sum to zero"):
        testbed.payments.db.write(lambda connection: _movement(connection, *amounts))


def test_a_movement_cannot_be_unbalanced_afterwards_either(testbed: PaymentsTestbed) -> None:
    testbed.paid()
    add = (
        "INSERT INTO ledger_entries (movement_id, account, owner_id, amount_minor, currency)"
        " SELECT id, 'payouts', :owner, 1, 'EUR' FROM ledger_movements LIMIT 1"
    )
    with pytest.raises(DBAPIError, match="sum to zero"):
        testbed.payments.execute(add, owner=new_id())


def test_an_order_is_captured_once_whatever_the_code_does(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    again = ledger.capture(Parties(order.customer.id, order.provider.id, "EUR"), Split(450, 4050))
    with pytest.raises(DBAPIError, match="ledger_one_capture"):
        testbed.payments.db.write(
            lambda connection: record_movement(connection, again, order_id=order.id, payment_id=payment["id"])
        )


@pytest.mark.parametrize(
    ("assignments", "constraint"),
    [
        ("amount_minor = 0", "payments_"),
        ("amount_minor = 1000000000001", "payments_amount"),
        ("fee_minor = -1", "payments_fee"),
        ("fee_minor = amount_minor + 1", "payments_"),
        ("refunded_minor = amount_minor + 1", "payments_"),
        ("status = 'due'", "payments_"),
        ("status = 'failed'", "payments_paid"),
        ("status = 'refunded'", "payments_refund_status"),
        ("check_at = now()", "payments_check"),
    ],
)
def test_a_payment_that_contradicts_itself_is_refused(
    testbed: PaymentsTestbed, assignments: str, constraint: str
) -> None:
    payment = testbed.paid()
    with pytest.raises(DBAPIError, match=constraint):
        testbed.change("payments", payment["id"], assignments)


def test_an_order_has_one_live_payment(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    copy = (
        "INSERT INTO payments (id, order_id, amount_minor, fee_minor, currency, status, processor, method,"
        " check_at) SELECT :id, order_id, amount_minor, fee_minor, currency, 'processing', processor,"
        " method, now() FROM payments WHERE id = CAST(:other AS uuid)"
    )
    with pytest.raises(DBAPIError, match="payments_live"):
        testbed.payments.execute(copy, id=new_id(), other=payment["id"])


def test_pending_money_is_never_negative(testbed: PaymentsTestbed) -> None:
    testbed.paid()
    with pytest.raises(DBAPIError, match="balances_pending"):
        testbed.payments.execute("UPDATE balances SET pending_minor = -1")
