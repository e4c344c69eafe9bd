"""The ledger of payments, proved: its sums, one capture per paid order, and the processor's own books."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from cli.operations.databases import Databases
from kit.settings import load
from services.payments.ledger.audit import audit_ledger
from services.payments.payment_context import make_payment_context
from services.payments.settings import PaymentSettings

SERVICE = "payments"


@dataclass(frozen=True)
class LedgerFinding:
    """One thing that does not add up: what was checked, of which row, and what is there."""

    check: str
    subject: str
    detail: str


def reconcile(databases: Databases, report: Callable[[str], None]) -> list[LedgerFinding]:
    """Everything that does not add up; empty when all does. `report` is told what is being checked.

    Raises: BadSetting, CliError.
    """
    settings = load(PaymentSettings)
    with databases.direct(SERVICE) as db:
        db.read(lambda connection: connection.execute(text("SELECT FROM payments LIMIT 1")))
        findings = audit_ledger(make_payment_context(db, settings), report=report)
    return [LedgerFinding(**finding) for finding in findings]
