"""What nobody finished: asked of the processor and recorded. Also where its call-backs arrive.

A process that died between a charge and its record, an answer that was lost, a person who never
came back from the second step: the intent is still there, and its `check_at` passes.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from kit.errors import Unavailable
from services.payments.access import is_expired
from services.payments.commands.pay import find_wish, settle, wish_of
from services.payments.commands.pay_out import ask_for_payout, settle_payout
from services.payments.commands.refund import ask_for_refund, settle_refund
from services.payments.commands.two_phase import asked, claim_unfinished
from services.payments.models import PAYMENTS, PAYOUTS, PROCESSOR_EVENTS, REFUNDS
from services.payments.payment_context import Till
from services.payments.processors.base import Charge
from services.payments.rendering import Row

log = structlog.get_logger(__name__)
Record = Callable[[Connection], None]


def heal(till: Till) -> None:
    """Asks what became of everything whose time has come, and records it."""
    for table, look in ((PAYMENTS, _payment), (REFUNDS, _refund), (PAYOUTS, _payout)):
        for intent_id in claim_unfinished(till.db, table, till.settings):
            try:
                record = look(till, intent_id)
                if record is not None:
                    till.db.write(record)
            except Exception:
                log.exception("healing_failed", table=table.name, id=intent_id)


def hear(till: Till, event_id: str, kind: str, subject_id: str) -> bool:
    """Takes a call-back about a payment, refund or payout, once; False when it was taken before.

    A call-back only says where to look: what it is now, the processor is asked, so late and
    reordered ones do no harm.

    Raises: Unavailable when the processor does not say; the call-back may then come again.
    """
    record = {"payment": _payment, "refund": _refund, "payout": _payout}[kind](till, subject_id)
    if record is None:
        raise Unavailable("The payment processor does not say what became of it.")
    settled = record
    taken = {"processor": till.processor.name, "event_id": event_id}
    claim = insert(PROCESSOR_EVENTS).values(taken).on_conflict_do_nothing()

    def take(connection: Connection) -> bool:
        if connection.execute(claim.returning(PROCESSOR_EVENTS.c.event_id)).first() is None:
            return False
        settled(connection)
        return True

    return till.db.write(take)


def _payment(till: Till, payment_id: str) -> Record | None:
    payment = till.db.read(lambda connection: find_wish(connection, payment_id))
    charge = asked(lambda: _charge_now(till, payment), payment_id=payment_id)
    if charge is None:
        return None
    return lambda connection: settle(connection, payment_id, charge, till.settings)


def _charge_now(till: Till, payment: Row) -> Charge:
    wish, reference = wish_of(payment), payment["reference"]
    if is_expired(payment, till.settings.action, datetime.now(UTC)):
        return till.processor.cancel(wish, reference)
    if reference is None:
        return till.processor.charge(wish)
    return till.processor.look_up(wish, reference)


def _refund(till: Till, refund_id: str) -> Record | None:
    transfer = ask_for_refund(till, refund_id, repeated=True)
    if transfer is None:
        return None
    return lambda connection: settle_refund(connection, refund_id, transfer)


def _payout(till: Till, payout_id: str) -> Record | None:
    transfer = ask_for_payout(till, payout_id, repeated=True)
    if transfer is None:
        return None
    return lambda connection: settle_payout(connection, payout_id, transfer)
