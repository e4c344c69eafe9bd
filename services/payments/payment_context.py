"""What every act of payments works with: the database, the processor, the settings."""

from dataclasses import dataclass
from functools import cache

from chassis.storage.database import Db
from services.payments.processors.base import Processor
from services.payments.processors.sandbox import Sandbox
from services.payments.settings import PaymentSettings


@dataclass(frozen=True)
class Till:
    """Where payments are taken."""

    db: Db
    processor: Processor
    settings: PaymentSettings


@cache
def open_till(db: Db, settings: PaymentSettings) -> Till:
    """A till with the processor that the settings name."""
    if settings.payment_processor == "stripe":
        # Its SDK takes a second to import.
        from services.payments.processors.stripe import StripeProcessor

        return Till(db, StripeProcessor(settings), settings)
    return Till(db, Sandbox(db, settings.sandbox_callback_seconds), settings)
