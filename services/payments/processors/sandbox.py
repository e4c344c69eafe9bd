"""The sandbox: a payment processor that moves no money, with methods that behave as real ones may.

It stands for an external system: its books are in a schema of their own, which nothing else of payments
reads, and each operation is a transaction of its own. So a crash between a charge here and its record in
payments leaves exactly what it would leave with a real processor.
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
    ChargeRequest,
    ChargeState,
    OutcomeUnknown,
    PayoutRequest,
    RefundRequest,
    Transfer,
    WebhookEvent,
)
from services.payments.types import SandboxAction

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
CLEAR_CALLBACK = text("UPDATE sandbox.charges SET callback_at = NULL WHERE key = :key")


class Sandbox:
    """The processor `sandbox`."""

    name = "sandbox"

    def __init__(self, db: Db, callback_seconds: int) -> None:
        self._db = db
        self._callback_after = timedelta(seconds=callback_seconds)

    def check_method(self, method: str, amount_minor: int, currency: str) -> None:
        """Accepts any amount. Raises: Invalid for an unknown method."""
        if method not in METHODS:
            raise Invalid.field("method", "unknown_method", f"Must be one of {', '.join(METHODS)}.")

    def charge(self, request: ChargeRequest) -> Charge:
        """Charges once for each key. Raises: OutcomeUnknown the first time with `sandbox_timeout`."""
        is_new = self._write(lambda c: self._insert(c, request, METHODS[request.method]))
        if is_new and request.method == "sandbox_timeout":
            raise OutcomeUnknown("The sandbox charged and did not answer.")
        return self.look_up(request, request.key)

    def look_up(self, request: ChargeRequest, reference: str) -> Charge:
        """Returns the current state of a charge."""
        return _charge(self._read(BY_KEY, key=reference))

    def cancel(self, request: ChargeRequest, reference: str | None) -> Charge:
        """Cancels an unfinished charge; an unknown key is stored as cancelled, so that it never charges."""

        def cancel(connection: Connection) -> None:
            if not self._insert(connection, request, "cancelled"):
                connection.execute(SETTLE, {"key": request.key, "state": "cancelled"})

        self._write(cancel)
        return self.look_up(request, request.key)

    def refund(self, request: RefundRequest, repeated: bool) -> Transfer:
        """Refunds once for each key, never more than was captured."""
        values = {
            "key": request.key,
            "charge_key": request.charge_reference,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
        }

        def refund(connection: Connection) -> bool:
            connection.execute(text("SELECT FROM sandbox.charges WHERE key = :charge_key FOR UPDATE"), values)
            known = connection.execute(REFUNDED, values).first() is not None
            return known or connection.execute(REFUND, values).first() is not None

        if self._write(refund):
            return Transfer("done", request.key)
        return Transfer("refused", failure="more_than_captured")

    def pay_out(self, request: PayoutRequest, repeated: bool) -> Transfer:
        """Pays out once for each key."""
        values = {
            "key": request.key,
            "provider_id": request.provider_id,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
        }
        self._write(lambda connection: connection.execute(PAY_OUT, values))
        return Transfer("done", request.key)

    def parse_webhook(self, payload: str, signature: str) -> WebhookEvent | None:
        """The sandbox posts no webhooks. Raises: NotFound."""
        raise NotFound("Stripe is not the payment processor here.")

    def record_of(self, request: ChargeRequest, reference: str | None) -> ChargeRecord:
        """Returns what the books say about a charge; zeros for an unknown one."""
        row = self._read(BY_KEY, key=request.key)
        if row is None or row["state"] != "captured":
            return ChargeRecord(0, 0)
        return ChargeRecord(row["amount_minor"], row["refunded_minor"])

    def action(self, token: str) -> SandboxAction:
        """What the confirmation page shows. Raises: NotFound."""
        return _action(self._by_token(token))

    def answer(self, token: str, approve: bool) -> tuple[SandboxAction, str]:
        """Records the customer's answer, once; returns the page and the payment's id.

        Raises: NotFound; Conflict `payment_not_waiting` when the other answer was given, or it was
        cancelled.
        """
        key = self._by_token(token)["key"]
        state = "captured" if approve else "declined"
        self._write(lambda c: c.execute(SETTLE, {"key": key, "state": state}))
        after = self.action(token)
        if after["status"] != state:
            raise Conflict("This payment is not waiting for an answer.", code="payment_not_waiting")
        return after, _payment_id(key)

    def due_callbacks(self) -> list[str]:
        """Captures the late charges that are due; returns their payments, of which the sandbox calls back."""
        now = datetime.now(UTC)
        keys = self._db.read(lambda c: list(c.execute(DUE_CALLBACKS, {"now": now}).scalars()))
        for key in keys:
            self._capture(key)
        return [_payment_id(key) for key in keys]

    def mark_called_back(self, payment_id: str) -> None:
        """Ends the call-backs of a payment."""
        self._write(lambda c: c.execute(CLEAR_CALLBACK, {"key": f"payment-{payment_id}"}))

    def _capture(self, key: str) -> None:
        self._write(lambda c: c.execute(SETTLE, {"key": key, "state": "captured"}))

    def _insert(self, connection: Connection, request: ChargeRequest, state: ChargeState) -> bool:
        late = state == "pending"
        values = {
            "key": request.key,
            "token": secrets.token_urlsafe(24),
            "order_id": request.order_id,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "method": request.method,
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

    def _write(self, effect: Any) -> Any:
        return self._db.write(effect)


def _payment_id(key: str) -> str:
    return key.removeprefix("payment-")


def _charge(row: RowMapping | None) -> Charge:
    if row is None:
        raise OutcomeUnknown("The sandbox has no such charge.")
    return Charge(
        state=row["state"],
        reference=row["key"],
        action_url=ACTION_PATH + row["token"] if row["state"] == "requires_action" else None,
        failure="declined" if row["state"] == "declined" else None,
    )


def _action(row: RowMapping) -> SandboxAction:
    return {
        "amount": {"amount": row["amount_minor"], "currency": row["currency"]},
        "status": row["state"],
        "order_id": row["order_id"],
    }
