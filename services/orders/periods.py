"""How long an order's clocks run, and how many orders may wait. All are settings."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BadSetting, setting


@dataclass(frozen=True)
class OrderPeriods:
    """The periods of an order's life; fractions are allowed, except for reminder days.

    A changed confirmation period or reminder day counts for work completed from then on; a
    changed expiry counts at once.

    Raises: BadSetting when a period is not positive, or the reminder days are no rising list.
    """

    order_expiry_hours: float = setting(72.0, "hours after which an unanswered order expires")
    confirmation_days: float = setting(14.0, "days after which completed work confirms itself")
    reminder_days: str = setting(
        "5,12", "days after completed work on which the customer is reminded, rising; empty for none"
    )

    overdue_blocks_orders: bool = setting(
        True, "whether a customer whose payment is overdue is refused new orders"
    )
    pending_orders: int = setting(100, "orders of one customer that may wait for an answer, in all")
    pending_orders_per_provider: int = setting(
        20, "orders of one customer that may wait for an answer of the same provider"
    )

    def __post_init__(self) -> None:
        for name in ("pending_orders", "pending_orders_per_provider"):
            if getattr(self, name) < 1:
                raise BadSetting(f"{name.upper()}: must be at least 1")
        if self.order_expiry_hours <= 0:
            raise BadSetting("ORDER_EXPIRY_HOURS: must be more than 0")
        if self.confirmation_days <= 0:
            raise BadSetting("CONFIRMATION_DAYS: must be more than 0")
        self.reminders()

    @property
    def expiry(self) -> timedelta:
        """How long a provider has to answer."""
        return timedelta(hours=self.order_expiry_hours)

    @property
    def confirmation(self) -> timedelta:
        """How long a customer has to look at completed work."""
        return timedelta(days=self.confirmation_days)

    def reminders(self) -> tuple[int, ...]:
        """The days of the reminders, rising; those the confirmation period never reaches are left out.

        Raises: BadSetting when the setting is not such a list.
        """
        try:
            days = tuple(int(day) for day in self.reminder_days.split(",") if day.strip())
        except ValueError as error:
            raise BadSetting("REMINDER_DAYS: must be whole numbers separated by commas") from error
        if any(day < 0 for day in days) or list(days) != sorted(set(days)):
            raise BadSetting("REMINDER_DAYS: must rise, from 0")
        return tuple(day for day in days if day < self.confirmation_days)
