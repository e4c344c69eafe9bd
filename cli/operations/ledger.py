"""The ledger of payments, proved: its sums, one capture per paid order, and the processor's own books."""

from dataclasses import dataclass

from cli.operations.databases import Databases
from kit.settings import load
from services.payments.auditing import audit_ledger
from services.payments.settings import PaymentSettings
from services.payments.till import open_till

SERVICE = "payments"


@dataclass(frozen=True)
class LedgerFinding:
    """One thing that does not add up: what was checked, of which row, and what is there."""

    check: str
    subject: str
    detail: str


def reconcile(databases: Databases) -> list[LedgerFinding]:
    """Everything that does not add up; empty when all does. Raises: BadSetting, Complaint."""
    settings = load(PaymentSettings)
    with databases.direct(SERVICE) as db:
        return [LedgerFinding(**finding) for finding in audit_ledger(open_till(db, settings))]
