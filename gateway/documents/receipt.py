"""A receipt: what a customer paid for an order, and what they got back."""

from collections.abc import Mapping
from typing import Any

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.sheet import Sheet, Table
from kit.text import isolated, without_direction

SANDBOX = "sandbox"
METHODS = {
    "sandbox_ok": "Test card",
    "sandbox_action": "Test card with a second step",
    "sandbox_timeout": "Test card whose answer was lost",
    "sandbox_late": "Test transfer",
    "stripe_checkout": "Stripe Checkout",
}
LONGEST_REASON = 300


def receipt_of(payment: Mapping[str, Any], formatter: LocaleFormatter) -> Sheet:
    """The receipt of a payment that was made (`services.payments.contract.Payment`)."""
    facts = (
        ("Receipt", payment["id"]),
        ("Paid", formatter.moment(payment["paid_at"])),
        ("Order", payment["order_number"]),
        ("Customer", without_direction(payment["customer"]["display_name"])),
        ("Provider", without_direction(payment["provider"]["display_name"])),
        ("Method", METHODS.get(payment["method"], payment["method"])),
    )
    notes = ["All times are in UTC."]
    if payment["processor"] == SANDBOX:
        notes.insert(0, "Paid at the sandbox, for trying out: no real money has moved.")
    tables = (_paid(payment, formatter),)
    return Sheet(f"receipt-{payment['order_number']}", "Receipt", facts, tables, tuple(notes))


def _paid(payment: Mapping[str, Any], formatter: LocaleFormatter) -> Table:
    currency = payment["amount"]["currency"]
    title = without_direction(payment["service"]["title"])
    rows = [(formatter.day(payment["paid_at"]), title, formatter.money(payment["amount"]))]
    kept = payment["amount"]["amount"]
    for refund in payment["refunds"]:
        if refund["status"] == "refunded":
            back = {"amount": -refund["amount"]["amount"], "currency": currency}
            kept += back["amount"]
            reason = refund["reason"]
            if len(reason) > LONGEST_REASON:
                reason = f"{reason[:LONGEST_REASON]}…"
            rows.append(
                (formatter.day(refund["updated_at"]), f"Refund: {isolated(reason)}", formatter.money(back))
            )
    rows.append(("", "Total", formatter.money({"amount": kept, "currency": currency})))
    return Table("Paid", ("Date", "For", "Amount"), tuple(rows), has_total=True)
