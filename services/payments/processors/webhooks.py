"""What processors send by themselves: webhooks of Stripe, and the sandbox's page and late call-backs."""

import structlog

from kit.errors import NotFound
from kit.validation import is_id
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import WebhookEvent
from services.payments.processors.reconciliation import apply_webhook
from services.payments.processors.sandbox import Sandbox
from services.payments.types import SandboxAction

log = structlog.get_logger(__name__)
DELIVERIES = 2


def receive_stripe_webhook(context: PaymentContext, payload: str, signature: str) -> None:
    """Applies a webhook of Stripe, each event once; ignores events about unknown subjects.

    Raises: NotFound when Stripe is not the processor; Unauthenticated for a forged or old webhook;
    Unavailable when Stripe does not answer, so that it posts again.
    """
    event = context.processor.parse_webhook(payload, signature)
    if event is not None:
        _apply_if_known(context, event)


def sandbox_of(context: PaymentContext) -> Sandbox:
    """The sandbox. Raises: NotFound when it is not the processor."""
    if not isinstance(context.processor, Sandbox):
        raise NotFound("There is no such payment.")
    return context.processor


def answer_sandbox_action(context: PaymentContext, token: str, approve: bool) -> SandboxAction:
    """Records the customer's answer on the sandbox's page; the sandbox calls back at once.

    Raises: NotFound; Conflict `payment_not_waiting`.
    """
    action, payment_id = sandbox_of(context).answer(token, approve)
    _apply_if_known(context, WebhookEvent(f"action-{token}", "payment", payment_id))
    return action


def deliver_sandbox_callbacks(context: PaymentContext) -> None:
    """Delivers the sandbox's late call-backs, each more than once, as real processors may."""
    if not isinstance(context.processor, Sandbox):
        return
    for payment_id in context.processor.due_callbacks():
        for _ in range(DELIVERIES):
            _apply_if_known(context, WebhookEvent(f"late-{payment_id}", "payment", payment_id))
        context.processor.mark_called_back(payment_id)


def _apply_if_known(context: PaymentContext, event: WebhookEvent) -> None:
    if not is_id(event.subject_id):
        return
    try:
        apply_webhook(context, event)
    except NotFound:
        log.warning(
            "webhook_subject_unknown", event_id=event.event_id, kind=event.kind, subject_id=event.subject_id
        )
