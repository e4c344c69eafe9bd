"""A receipt: what a customer paid for an order, and what they got back."""

from collections.abc import Mapping
from typing import Any

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.sheet import Sheet, Table
from kit.localization.translations import N_, gettext, pgettext
from kit.text import isolated, without_direction

SANDBOX = "sandbox"
METHODS = {
    "sandbox_ok": N_("Test card"),
    "sandbox_action": N_("Test card with a second step"),
    "sandbox_timeout": N_("Test card whose answer was lost"),
    "sandbox_late": N_("Test transfer"),
    "stripe_checkout": N_("Stripe Checkout"),
}
LONGEST_REASON = 300


def receipt_of(payment: Mapping[str, Any], formatter: LocaleFormatter) -> Sheet:
    """The receipt of a payment that was made (`services.payments.contract.Payment`)."""
    facts = (
        (gettext("Receipt"), payment["id"]),
        (gettext("Paid"), formatter.moment(payment["paid_at"])),
        (pgettext("document", "Order"), payment["order_number"]),
        (gettext("Customer"), without_direction(payment["customer"]["display_name"])),
        (gettext("Provider"), without_direction(payment["provider"]["display_name"])),
        (gettext("Method"), _method(payment["method"])),
    )
    notes = [gettext("All times are in UTC.")]
    if payment["processor"] == SANDBOX:
        notes.insert(0, gettext("Paid at the sandbox, for trying out: no real money has moved."))
    tables = (_paid(payment, formatter),)
    return Sheet(f"receipt-{payment['order_number']}", gettext("Receipt"), facts, tables, tuple(notes))


def _method(method: str) -> str:
    return gettext(METHODS[method]) if method in METHODS else method


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
            refunded = gettext("Refund: {reason}").format(reason=isolated(reason))
            rows.append((formatter.day(refund["updated_at"]), refunded, formatter.money(back)))
    rows.append(("", gettext("Total"), formatter.money({"amount": kept, "currency": currency})))
    return Table(
        gettext("Paid"),
        (gettext("Date"), pgettext("receipt", "For"), gettext("Amount")),
        tuple(rows),
        has_total=True,
    )
