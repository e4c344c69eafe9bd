"""A statement: a provider's month, each currency from its opening to its closing balance."""

from collections.abc import Mapping
from typing import Any

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.sheet import Sheet, Table
from kit.localization.translations import N_, gettext, ngettext
from kit.text import isolated, without_direction

MOVEMENT_LABELS = {
    "earning": N_("Earned"),
    "refund": N_("Refunded"),
    "payout": N_("Paid out"),
    "payout_returned": N_("Payout returned"),
}
TOTALS = (
    (N_("Opening balance"), "opening", 1),
    (N_("Paid by customers"), "gross", 1),
    (N_("Fees of MicroTasks"), "fees", -1),
    (N_("Refunded to customers"), "refunded", -1),
    (N_("Paid out"), "paid_out", -1),
    (N_("Closing balance"), "closing", 1),
)


def statement_of(statement: Mapping[str, Any], formatter: LocaleFormatter) -> Sheet:
    """The statement of one month (`services.payments.contract.Statement`)."""
    provider = without_direction(statement["provider"]["display_name"])
    facts = ((gettext("Provider"), provider), (gettext("Month"), formatter.month(statement["month"])))
    tables = [_totals(total, formatter) for total in statement["totals"]]
    if statement["lines"]:
        columns = (gettext("Date"), gettext("What"), gettext("Change of the balance"))
        rows = tuple(_row(line, formatter) for line in statement["lines"])
        tables.append(Table(gettext("Movements"), columns, rows))
    notes = [
        gettext("Balances count pending and available money together."),
        gettext("The month and all dates are in UTC."),
    ]
    if left_out := statement.get("lines_left_out", 0):  # a payments service of before has none
        note = ngettext(
            "{count} more movement is not listed; the balances count it.",
            "{count} more movements are not listed; the balances count them.",
            left_out,
        )
        notes.insert(0, note.format(count=left_out))
    if not statement["totals"]:
        notes.insert(0, gettext("Nothing was earned or paid out so far."))
    return Sheet(f"statement-{statement['month']}", gettext("Statement"), facts, tuple(tables), tuple(notes))


def _totals(total: Mapping[str, Any], formatter: LocaleFormatter) -> Table:
    currency = total["currency"]
    rows = tuple(
        (gettext(title), formatter.money({"amount": sign * total[name], "currency": currency}))
        for title, name, sign in TOTALS
    )
    return Table(currency, ("", gettext("Amount")), rows, has_total=True)


def _row(line: Mapping[str, Any], formatter: LocaleFormatter) -> tuple[str, ...]:
    kind = line["type"]
    label = gettext(MOVEMENT_LABELS[kind]) if kind in MOVEMENT_LABELS else kind
    title = isolated(line["service_title"] or "")
    about = ", ".join(part for part in (title, line["order_number"]) if part)
    what = f"{label}: {about}" if about else label
    return formatter.day(line["created_at"]), what, formatter.money(line["amount"])
