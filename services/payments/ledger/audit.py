"""The audit of the ledger: its invariants are checked once a night, and by an operator's command.

Each finding names a violation, so that a person can act; no findings mean a clean audit. A check that could
not run is a finding too, because nothing was proved.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import structlog
from prometheus_client import Gauge
from sqlalchemy import Column, Connection, Select, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from services.payments.access import Row
from services.payments.contract import RefundStatus
from services.payments.ledger.checks import (
    AFTER_ALL,
    BEFORE_ALL,
    WALKS,
    Walk,
    end_of_range,
    violations_in_range,
)
from services.payments.lifecycle import OPEN
from services.payments.models import AUDITS, PAYMENTS, PROCESSOR_EVENTS, REFUNDS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import ChargeRecord, OutcomeUnknown
from services.payments.processors.requests import charge_request_of
from services.payments.rows import payments_with_order

log = structlog.get_logger(__name__)
FINDINGS = Gauge(
    "microtasks_ledger_findings",
    "Violations found by the last audit of the ledger, and checks that could not run",
)
FINISHED = Gauge(
    "microtasks_ledger_audit_finished_timestamp_seconds", "When an audit of the ledger last finished"
)
AUDIT_HOUR = 3
ABANDONED = timedelta(hours=6)  # an audit that has not finished by then is started again
OVERLAP = timedelta(days=1)
EVENT_RETENTION = timedelta(days=90)  # no processor repeats an event after that
PURGE_BATCH = 1000
Report = Callable[[str], None]


class Finding(TypedDict):
    """One violation: which check found it, at which row, and what is wrong."""

    check: str
    subject: str
    detail: str


def audit_ledger(
    context: PaymentContext, changed_since: datetime | None = None, report: Report = lambda _: None
) -> list[Finding]:
    """Returns every violation: `check`, `subject` and `detail` of each.

    Our own books are checked completely. The processor's books are checked for payments that changed since
    then, or for all. `report` is called with what is being checked.
    """
    findings = [finding for walk in WALKS for finding in _check_books(context, walk, report)]
    report("the processor's books")
    try:
        findings += _compare_with_processor(context, changed_since)
    except Exception as error:
        findings.append(_not_run("processor_differs", error))
    return findings


def audit_nightly(context: PaymentContext) -> None:
    """Audits once a day, on one replica, and shows the last result in the metrics of all."""
    now = datetime.now(UTC)
    if now.hour >= AUDIT_HOUR and _claim(context, now):
        findings = audit_ledger(context, changed_since=_last_clean(context))
        for finding in findings:
            log.error("ledger_finding", **finding)
        done = {"finished_at": datetime.now(UTC), "findings": findings}
        context.db.write(lambda c: c.execute(update(AUDITS).where(AUDITS.c.day == now.date()).values(done)))
        while context.db.write(lambda c: _purge_processor_events(c, now - EVENT_RETENTION)) == PURGE_BATCH:
            pass
    _show_last(context)


def _purge_processor_events(connection: Connection, before: datetime) -> int:
    """Returns how many were removed: a batch, or the rest."""
    old = select(PROCESSOR_EVENTS.c.processor, PROCESSOR_EVENTS.c.event_id)
    batch = old.where(PROCESSOR_EVENTS.c.taken_at < before).limit(PURGE_BATCH)
    key = tuple_(PROCESSOR_EVENTS.c.processor, PROCESSOR_EVENTS.c.event_id)
    return connection.execute(delete(PROCESSOR_EVENTS).where(key.in_(batch))).rowcount


def _show_last(context: PaymentContext) -> None:
    ended = select(AUDITS.c.findings, AUDITS.c.finished_at).where(AUDITS.c.finished_at.is_not(None))
    last = context.db.read(lambda c: c.execute(ended.order_by(AUDITS.c.day.desc()).limit(1)).first())
    if last is not None:
        FINDINGS.set(len(last.findings or []))
        FINISHED.set(last.finished_at.timestamp())


def _claim(context: PaymentContext, now: datetime) -> bool:
    claim = insert(AUDITS).values(day=now.date())
    again = claim.on_conflict_do_update(
        index_elements=[AUDITS.c.day],
        set_={"started_at": func.now()},
        where=AUDITS.c.finished_at.is_(None) & (AUDITS.c.started_at < now - ABANDONED),
    )
    return context.db.write(lambda c: c.execute(again.returning(AUDITS.c.day)).first()) is not None


def _last_clean(context: PaymentContext) -> datetime | None:
    """When the last clean audit began, less an overlap; None without one."""
    clean = or_(AUDITS.c.findings.is_(None), func.jsonb_array_length(AUDITS.c.findings) == 0)
    began = select(func.max(AUDITS.c.started_at)).where(AUDITS.c.finished_at.is_not(None), clean)
    last = context.db.read(lambda connection: connection.scalar(began))
    return None if last is None else last - OVERLAP


def _check_books(context: PaymentContext, walk: Walk, report: Report) -> Iterator[Finding]:
    try:
        for after, until in _ranges(context, walk.key):
            report(f"{walk.key.table.name} after {after}")
            found = context.db.read(lambda c, a=after, u=until: list(violations_in_range(c, walk, a, u)))  # type: ignore[misc]
            for check, subject, detail in found:
                yield {"check": check, "subject": subject, "detail": detail}
    except Exception as error:
        yield from (_not_run(check, error) for check in walk.checks)


def _not_run(check: str, error: Exception) -> Finding:
    return {"check": "check_not_run", "subject": check, "detail": f"{type(error).__name__}: {error}"}


def _compare_with_processor(context: PaymentContext, changed_since: datetime | None) -> Iterator[Finding]:
    for payment, is_refund_in_progress in _decided_payments(context, changed_since):
        paid = payment["paid_at"] is not None
        ours = ChargeRecord(payment["amount_minor"] if paid else 0, payment["refunded_minor"])
        try:
            theirs = context.processor.record_of(charge_request_of(payment), payment["reference"])
        except OutcomeUnknown as error:
            yield {"check": "processor_outcome_unknown", "subject": payment["id"], "detail": str(error)}
            continue
        nothing_kept = not paid and theirs.captured_minor == theirs.refunded_minor
        if theirs != ours and not nothing_kept and not is_refund_in_progress:
            detail = f"ours {ours}, theirs {theirs}"
            yield {"check": "processor_differs", "subject": payment["id"], "detail": detail}


def _decided_payments(context: PaymentContext, changed_since: datetime | None) -> Iterator[tuple[Row, bool]]:
    """Payments of this processor that it has decided, and whether a refund of each is in progress."""
    decided = payments_with_order().where(
        PAYMENTS.c.processor == context.processor.name, PAYMENTS.c.status.not_in(OPEN)
    )
    if changed_since is not None:
        decided = decided.where(PAYMENTS.c.updated_at >= changed_since)
    for after, until in _ranges(context, PAYMENTS.c.id):
        within = (PAYMENTS.c.id > after, PAYMENTS.c.id <= until)
        yield from context.db.read(lambda c, w=within: _with_refunds_in_progress(c, decided.where(*w)))  # type: ignore[misc]


def _with_refunds_in_progress(connection: Connection, payments: Select[Any]) -> list[tuple[Row, bool]]:
    in_progress = (
        select(REFUNDS.c.id)
        .where(REFUNDS.c.payment_id == PAYMENTS.c.id, REFUNDS.c.status == RefundStatus.PROCESSING)
        .correlate(PAYMENTS)
        .exists()
        .label("is_refund_in_progress")
    )
    rows = connection.execute(payments.add_columns(in_progress)).mappings().all()
    return [(row, row["is_refund_in_progress"]) for row in rows]


def _ranges(context: PaymentContext, key: Column[Any]) -> Iterator[tuple[str, str]]:
    after = BEFORE_ALL
    while after != AFTER_ALL:
        until = context.db.read(lambda connection, begin=after: end_of_range(connection, key, begin))  # type: ignore[misc]
        yield after, until
        after = until
