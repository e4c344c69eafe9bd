"""A statement: a provider's month, each currency from its opening to its closing balance."""

from collections.abc import Mapping
from typing import Any

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.sheet import Sheet, Table
from kit.text import isolated, without_direction

Json = Mapping[str, Any]
DEEDS = {
    "earning": "Earned",
    "refund": "Refunded",
    "payout": "Paid out",
    "payout_returned": "Payout returned",
}
TOTALS = (
    ("Opening balance", "opening", 1),
    ("Paid by customers", "gross", 1),
    ("Fees of MicroTasks", "fees", -1),
    ("Refunded to customers", "refunded", -1),
    ("Paid out", "paid_out", -1),
    ("Closing balance", "closing", 1),
)


def statement_of(statement: Json, formatter: LocaleFormatter) -> Sheet:
    """The statement of one month (`services.payments.contract.Statement`)."""
    provider = without_direction(statement["provider"]["display_name"])
    facts = (("Provider", provider), ("Month", formatter.month(statement["month"])))
    tables = [_totals(total, formatter) for total in statement["totals"]]
    if statement["lines"]:
        rows = tuple(_row(line, formatter) for line in statement["lines"])
        tables.append(Table("Movements", ("Date", "What", "Change of the balance"), rows))
    notes = ["Balances count pending and available money together.", "The month and all dates are in UTC."]
    if left_out := statement.get("lines_left_out", 0):  # a payments service of before has none
        notes.insert(0, f"{left_out} more movements are not listed; the balances count them.")
    if not statement["totals"]:
        notes.insert(0, "Nothing was earned or paid out so far.")
    return Sheet(f"statement-{statement['month']}", "Statement", facts, tuple(tables), tuple(notes))


def _totals(total: Json, formatter: LocaleFormatter) -> Table:
    currency = total["currency"]
    rows = tuple(
        (title, formatter.money({"amount": sign * total[name], "currency": currency}))
        for title, name, sign in TOTALS
    )
    return Table(currency, ("", "Amount"), rows, has_total=True)


def _row(line: Json, formatter: LocaleFormatter) -> tuple[str, ...]:
    deed = str(DEEDS.get(line["type"], line["type"]))
    title = isolated(line["service_title"] or "")
    about = ", ".join(part for part in (title, line["order_number"]) if part)
    what = f"{deed}: {about}" if about else deed
    return formatter.day(line["created_at"]), what, formatter.money(line["amount"])
