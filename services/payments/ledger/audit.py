"""The audit of the ledger: what must always hold, proved once a night and whenever somebody asks.

Each finding names what is wrong, so that a person can act; an empty list is a clean audit. A check that
could not run is a finding too: what was not proved does not count as true.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import Column, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.payments.commands.pay import wish_of
from services.payments.contract import RefundStatus
from services.payments.ledger.checks import AFTER_ALL, BEFORE_ALL, WALKS, Walk, end_of_range, wrong_in_range
from services.payments.lifecycle import OPEN
from services.payments.models import AUDITS, DUES, PAYMENTS, PROCESSOR_EVENTS, REFUNDS
from services.payments.payment_context import Till
from services.payments.processors.base import ChargeRecord, NoAnswer
from services.payments.rendering import Json

log = structlog.get_logger(__name__)
FINDINGS = Gauge(
    "microtasks_ledger_findings", "What the last audit of the ledger found wrong or could not prove"
)
FINISHED = Gauge(
    "microtasks_ledger_audit_finished_timestamp_seconds", "When an audit of the ledger last came to its end"
)
AUDIT_HOUR = 3
ABANDONED = timedelta(hours=6)  # an audit that has not ended by then is begun again
OVERLAP = timedelta(days=1)
EVENTS_KEPT = timedelta(days=90)  # no processor posts one again after that
Report = Callable[[str], None]


def audit_ledger(
    till: Till, changed_since: datetime | None = None, report: Report = lambda _: None
) -> list[Json]:
    """Everything that does not hold: `check`, `subject` and `detail` of each.

    Our own books are checked whole, the processor's about payments that changed since then, or about
    all. `report` is told what is being checked.
    """
    findings = [finding for walk in WALKS for finding in _along(till, walk, report)]
    report("the processor's books")
    try:
        findings += _against_the_processor(till, changed_since)
    except Exception as error:
        findings.append(_not_run("processor_differs", error))
    return findings


def audit_tonight(till: Till) -> None:
    """Audits once a day, on whichever replica comes first, and shows the last result on all."""
    now = datetime.now(UTC)
    if now.hour >= AUDIT_HOUR and _claim(till, now):
        findings = audit_ledger(till, changed_since=_last_clean(till))
        for finding in findings:
            log.error("ledger_finding", **finding)
        done = {"finished_at": datetime.now(UTC), "findings": findings}
        till.db.write(lambda c: c.execute(update(AUDITS).where(AUDITS.c.day == now.date()).values(done)))
        forgotten = delete(PROCESSOR_EVENTS).where(PROCESSOR_EVENTS.c.taken_at < now - EVENTS_KEPT)
        till.db.write(lambda connection: connection.execute(forgotten))
    _show_last(till)


def _show_last(till: Till) -> None:
    ended = select(AUDITS.c.findings, AUDITS.c.finished_at).where(AUDITS.c.finished_at.is_not(None))
    last = till.db.read(lambda c: c.execute(ended.order_by(AUDITS.c.day.desc()).limit(1)).first())
    if last is not None:
        FINDINGS.set(len(last.findings or []))
        FINISHED.set(last.finished_at.timestamp())


def _claim(till: Till, now: datetime) -> bool:
    claim = insert(AUDITS).values(day=now.date())
    again = claim.on_conflict_do_update(
        index_elements=[AUDITS.c.day],
        set_={"started_at": func.now()},
        where=AUDITS.c.finished_at.is_(None) & (AUDITS.c.started_at < now - ABANDONED),
    )
    return till.db.write(lambda c: c.execute(again.returning(AUDITS.c.day)).first()) is not None


def _last_clean(till: Till) -> datetime | None:
    """When the last audit began that proved everything, with some time before it; None without one."""
    clean = or_(AUDITS.c.findings.is_(None), func.jsonb_array_length(AUDITS.c.findings) == 0)
    began = select(func.max(AUDITS.c.started_at)).where(AUDITS.c.finished_at.is_not(None), clean)
    last = till.db.read(lambda connection: connection.scalar(began))
    return None if last is None else last - OVERLAP


def _along(till: Till, walk: Walk, report: Report) -> Iterator[Json]:
    try:
        for after, until in _ranges(till, walk.key):
            report(f"{walk.key.table.name} after {after}")
            found = till.db.read(lambda c, a=after, u=until: list(wrong_in_range(c, walk, a, u)))  # type: ignore[misc]
            for check, subject, detail in found:
                yield {"check": check, "subject": subject, "detail": detail}
    except Exception as error:
        yield from (_not_run(check, error) for check in walk.checks)


def _not_run(check: str, error: Exception) -> Json:
    return {"check": "check_not_run", "subject": check, "detail": f"{type(error).__name__}: {error}"}


def _against_the_processor(till: Till, changed_since: datetime | None) -> Iterator[Json]:
    for payment in _payments(till, changed_since):
        if payment["processor"] != till.processor.name or payment["status"] in OPEN:
            continue
        paid = payment["paid_at"] is not None
        ours = ChargeRecord(payment["amount_minor"] if paid else 0, payment["refunded_minor"])
        try:
            theirs = till.processor.record_of(wish_of(payment), payment["reference"])
        except NoAnswer as error:
            yield {"check": "processor_does_not_say", "subject": payment["id"], "detail": str(error)}
            continue
        nothing_kept = not paid and theirs.captured_minor == theirs.refunded_minor
        if theirs != ours and not nothing_kept and not payment["refund_under_way"]:
            detail = f"ours {ours}, theirs {theirs}"
            yield {"check": "processor_differs", "subject": payment["id"], "detail": detail}


def _payments(till: Till, changed_since: datetime | None) -> Iterator[Any]:
    unsettled = select(REFUNDS.c.id).where(
        REFUNDS.c.payment_id == PAYMENTS.c.id, REFUNDS.c.status == RefundStatus.PROCESSING
    )
    under_way = unsettled.correlate(PAYMENTS).exists().label("refund_under_way")
    joined = PAYMENTS.join(DUES, DUES.c.order_id == PAYMENTS.c.order_id)
    query = select(*PAYMENTS.c, DUES.c.number, DUES.c.service_title, under_way).select_from(joined)
    if changed_since is not None:
        query = query.where(PAYMENTS.c.updated_at >= changed_since)
    for after, until in _ranges(till, PAYMENTS.c.id):
        page = query.where(PAYMENTS.c.id > after, PAYMENTS.c.id <= until)
        yield from till.db.read(lambda connection, one=page: connection.execute(one).mappings().all())  # type: ignore[misc]


def _ranges(till: Till, key: Column[Any]) -> Iterator[tuple[str, str]]:
    after = BEFORE_ALL
    while after != AFTER_ALL:
        until = till.db.read(lambda connection, begin=after: end_of_range(connection, key, begin))  # type: ignore[misc]
        yield after, until
        after = until
