"""The sandbox: a payment processor that takes no money, with methods that behave as real ones may.

It stands for an outside world. Its books are in a schema of their own, each act is a transaction
of its own, and nothing else of payments reads them; so whatever dies between a charge here and
its record there leaves exactly what a real processor would leave.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from chassis.storage.database import Db
from kit.errors import Conflict, Invalid, NotFound
from services.payments.processors.base import (
    Charge,
    ChargeRecord,
    ChargeState,
    ChargeWish,
    NoAnswer,
    PayoutWish,
    RefundWish,
    Transfer,
)

METHODS: dict[str, ChargeState] = {
    "sandbox_ok": "captured",
    "sandbox_declined": "declined",
    "sandbox_action": "requires_action",
    "sandbox_timeout": "captured",  # and the answer is lost
    "sandbox_late": "pending",  # calls back later, twice
}
ACTION_PATH = "/v1/sandbox/actions/"

CHARGE = text("""
    INSERT INTO sandbox.charges (key, token, order_id, amount_minor, currency, method, state, callback_at)
    VALUES (:key, :token, :order_id, :amount_minor, :currency, :method, :state, :callback_at)
    ON CONFLICT DO NOTHING RETURNING key
""")
BY_KEY = text("SELECT * FROM sandbox.charges WHERE key = :key")
BY_TOKEN = text("SELECT * FROM sandbox.charges WHERE token = :token")
SETTLE = text("""
    UPDATE sandbox.charges SET state = :state
    WHERE key = :key AND state IN ('pending', 'requires_action') RETURNING key
""")
REFUND = text("""
    WITH new AS (
        INSERT INTO sandbox.refunds (key, charge_key, amount_minor, currency)
        SELECT :key, key, :amount_minor, currency FROM sandbox.charges
        WHERE key = :charge_key AND state = 'captured' AND currency = :currency
          AND refunded_minor + :amount_minor <= amount_minor
        RETURNING charge_key, amount_minor
    )
    UPDATE sandbox.charges SET refunded_minor = refunded_minor + new.amount_minor
    FROM new WHERE charges.key = new.charge_key RETURNING charges.key
""")
REFUNDED = text("SELECT FROM sandbox.refunds WHERE key = :key")
PAY_OUT = text("""
    INSERT INTO sandbox.payouts (key, provider_id, amount_minor, currency)
    VALUES (:key, :provider_id, :amount_minor, :currency) ON CONFLICT DO NOTHING
""")
DUE_CALLBACKS = text("""
    SELECT key FROM sandbox.charges WHERE callback_at <= :now ORDER BY callback_at LIMIT 50
""")
CALLED_BACK = text("UPDATE sandbox.charges SET callback_at = NULL WHERE key = :key")


class Sandbox:
    """The processor `sandbox`."""

    name = "sandbox"

    def __init__(self, db: Db, callback_seconds: int) -> None:
        self._db = db
        self._callback_after = timedelta(seconds=callback_seconds)

    def check_method(self, method: str, amount_minor: int, currency: str) -> None:
        """Any amount goes. Raises: Invalid when there is no such method."""
        if method not in METHODS:
            raise Invalid.field("method", "unknown_method", f"Must be one of {', '.join(METHODS)}.")

    def charge(self, wish: ChargeWish) -> Charge:
        """Charges once for each key. Raises: NoAnswer the first time with `sandbox_timeout`."""
        is_new = self._write(lambda c: self._insert(c, wish, METHODS[wish.method]))
        if is_new and wish.method == "sandbox_timeout":
            raise NoAnswer("The sandbox charged and says nothing.")
        return self.look_up(wish, wish.key)

    def look_up(self, wish: ChargeWish, reference: str) -> Charge:
        """What a charge is by now."""
        return _charge(self._read(BY_KEY, key=reference))

    def cancel(self, wish: ChargeWish, reference: str | None) -> Charge:
        """Cancels what is unfinished; a key never heard of is taken, so that it can never charge."""

        def cancel(connection: Connection) -> None:
            if not self._insert(connection, wish, "cancelled"):
                connection.execute(SETTLE, {"key": wish.key, "state": "cancelled"})

        self._write(cancel)
        return self.look_up(wish, wish.key)

    def refund(self, wish: RefundWish, repeated: bool) -> Transfer:
        """Refunds once for each key, never more than was captured."""
        values = {
            "key": wish.key,
            "charge_key": wish.charge_reference,
            "amount_minor": wish.amount_minor,
            "currency": wish.currency,
        }

        def refund(connection: Connection) -> bool:
            connection.execute(text("SELECT FROM sandbox.charges WHERE key = :charge_key FOR UPDATE"), values)
            known = connection.execute(REFUNDED, values).first() is not None
            return known or connection.execute(REFUND, values).first() is not None

        if self._write(refund):
            return Transfer("done", wish.key)
        return Transfer("refused", failure="more_than_captured")

    def pay_out(self, wish: PayoutWish, repeated: bool) -> Transfer:
        """Pays out once for each key."""
        values = {
            "key": wish.key,
            "provider_id": wish.provider_id,
            "amount_minor": wish.amount_minor,
            "currency": wish.currency,
        }
        self._write(lambda connection: connection.execute(PAY_OUT, values))
        return Transfer("done", wish.key)

    def heard(self, payload: str, signature: str) -> tuple[str, str, str] | None:
        """The sandbox posts nothing. Raises: NotFound."""
        raise NotFound("Stripe is not the payment processor here.")

    def record_of(self, wish: ChargeWish, reference: str | None) -> ChargeRecord:
        """What the books say; zeros when it never heard of the charge."""
        row = self._read(BY_KEY, key=wish.key)
        if row is None or row["state"] != "captured":
            return ChargeRecord(0, 0)
        return ChargeRecord(row["amount_minor"], row["refunded_minor"])

    def action(self, token: str) -> dict[str, Any]:
        """What the page of a second step shows. Raises: NotFound."""
        return _action(self._by_token(token))

    def answer(self, token: str, approve: bool) -> tuple[dict[str, Any], str]:
        """The person says yes or no; saying the same again changes nothing. Also the payment's id.

        Raises: NotFound; Conflict `payment_not_waiting` when the other answer was given, or it was
        cancelled.
        """
        key = self._by_token(token)["key"]
        state = "captured" if approve else "declined"
        self._write(lambda c: c.execute(SETTLE, {"key": key, "state": state}))
        after = self.action(token)
        if after["status"] != state:
            raise Conflict("This payment does not wait for an answer.", code="payment_not_waiting")
        return after, _payment_id(key)

    def due_callbacks(self) -> list[str]:
        """The payments whose late charge is captured now, and of which the sandbox calls back."""
        now = datetime.now(UTC)
        keys = self._db.read(lambda c: list(c.execute(DUE_CALLBACKS, {"now": now}).scalars()))
        for key in keys:
            self._capture(key)
        return [_payment_id(key) for key in keys]

    def called_back(self, payment_id: str) -> None:
        """It does so no more."""
        self._write(lambda c: c.execute(CALLED_BACK, {"key": f"payment-{payment_id}"}))

    def _capture(self, key: str) -> None:
        self._write(lambda c: c.execute(SETTLE, {"key": key, "state": "captured"}))

    def _insert(self, connection: Connection, wish: ChargeWish, state: ChargeState) -> bool:
        late = state == "pending"
        values = {
            "key": wish.key,
            "token": secrets.token_urlsafe(24),
            "order_id": wish.order_id,
            "amount_minor": wish.amount_minor,
            "currency": wish.currency,
            "method": wish.method,
            "state": state,
            "callback_at": datetime.now(UTC) + self._callback_after if late else None,
        }
        return connection.execute(CHARGE, values).first() is not None

    def _by_token(self, token: str) -> RowMapping:
        row = self._read(BY_TOKEN, token=token)
        if row is None or row["method"] != "sandbox_action":
            raise NotFound("There is no such payment.")
        return row

    def _read(self, query: Any, **values: str) -> RowMapping | None:
        return self._db.read(lambda c: c.execute(query, values).mappings().first())

    def _write(self, act: Any) -> Any:
        return self._db.write(act)


def _payment_id(key: str) -> str:
    return key.removeprefix("payment-")


def _charge(row: RowMapping | None) -> Charge:
    if row is None:
        raise NoAnswer("The sandbox never heard of it.")
    return Charge(
        state=row["state"],
        reference=row["key"],
        action_url=ACTION_PATH + row["token"] if row["state"] == "requires_action" else None,
        failure="declined" if row["state"] == "declined" else None,
    )


def _action(row: RowMapping) -> dict[str, Any]:
    return {
        "amount": {"amount": row["amount_minor"], "currency": row["currency"]},
        "status": row["state"],
        "order_id": row["order_id"],
    }
