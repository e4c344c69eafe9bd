"""What the commands of payments work with: the database, the payment processor and the settings."""

from dataclasses import dataclass
from functools import cache

from chassis.storage.database import Db
from services.payments.processors.base import Processor
from services.payments.processors.sandbox import Sandbox
from services.payments.settings import PaymentSettings


@dataclass(frozen=True)
class PaymentContext:
    """The dependencies of a command."""

    db: Db
    processor: Processor
    settings: PaymentSettings


@cache
def make_payment_context(db: Db, settings: PaymentSettings) -> PaymentContext:
    """A context with the processor that the settings name."""
    if settings.payment_processor == "stripe":
        # Imported here because the SDK takes a second to import.
        from services.payments.processors.stripe import StripeProcessor

        return PaymentContext(db, StripeProcessor(settings), settings)
    return PaymentContext(db, Sandbox(db, settings.sandbox_callback_seconds), settings)
