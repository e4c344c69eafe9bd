"""What processors say unasked: Stripe by webhooks, the sandbox by its page and its timer."""

import structlog

from kit.errors import NotFound
from kit.validation import is_id
from services.payments.payment_context import Till
from services.payments.processors.reconciliation import hear
from services.payments.processors.sandbox import Sandbox
from services.payments.rendering import Json

log = structlog.get_logger(__name__)
TIMES = 2


def take_stripe_webhook(till: Till, payload: str, signature: str) -> None:
    """Takes what Stripe posted, each event once; what is about nothing of ours is ignored.

    Raises: NotFound when Stripe is not the processor; Unauthenticated for a forged or old one;
    Unavailable when Stripe does not confirm it, so that it posts again.
    """
    heard = till.processor.heard(payload, signature)
    if heard is not None:
        event_id, kind, subject_id = heard
        _hear(till, event_id, kind, subject_id)


def sandbox_of(till: Till) -> Sandbox:
    """The sandbox. Raises: NotFound when another processor is used."""
    if not isinstance(till.processor, Sandbox):
        raise NotFound("There is no such payment.")
    return till.processor


def answer_sandbox(till: Till, token: str, approve: bool) -> Json:
    """The person answers on the sandbox's page, and the sandbox calls back at once.

    Raises: NotFound; Conflict `payment_not_waiting`.
    """
    answer, payment_id = sandbox_of(till).answer(token, approve)
    _hear(till, f"action-{token}", "payment", payment_id)
    return answer


def call_back(till: Till) -> None:
    """The sandbox's late call-backs, each as often as an impatient processor sends it."""
    if not isinstance(till.processor, Sandbox):
        return
    for payment_id in till.processor.due_callbacks():
        for _ in range(TIMES):
            _hear(till, f"late-{payment_id}", "payment", payment_id)
        till.processor.called_back(payment_id)


def _hear(till: Till, event_id: str, kind: str, subject_id: str) -> None:
    try:
        if is_id(subject_id):
            hear(till, event_id, kind, subject_id)
    except NotFound:
        log.warning("callback_about_nothing", event_id=event_id, kind=kind, subject_id=subject_id)
