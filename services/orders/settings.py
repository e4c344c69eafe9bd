"""Settings of orders: periods, reminders and how many orders may be pending."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kit.setting_fields import MAX_NUMBER
from kit.settings import Common, rising_days, setting


@dataclass(frozen=True)
class OrderPeriods(Common):
    """Periods and quotas of orders; fractions are allowed, except for reminder days.

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
    pending_orders: int = setting(
        100,
        "orders of one customer that may wait for an answer, in all; 0 or more than 10,000: any number",
        within=(0, MAX_NUMBER),
    )
    pending_orders_per_provider: int = setting(
        20,
        "orders of one customer that may wait for an answer of the same provider; 0 or more than 10,000: any",
        within=(0, MAX_NUMBER),
    )

    def problems(self) -> Iterator[str]:
        """Yields the problem of reminder days that do not rise."""
        try:
            self.reminders()
        except ValueError as error:
            yield f"REMINDER_DAYS: {error}"

    @property
    def expiry(self) -> timedelta:
        """Returns how long a provider has to answer."""
        return timedelta(hours=self.order_expiry_hours)

    @property
    def confirmation(self) -> timedelta:
        """Returns how long a customer has to confirm completed work."""
        return timedelta(days=self.confirmation_days)

    def reminders(self) -> tuple[int, ...]:
        """Returns the days of the reminders, rising, without those after the confirmation period.

        Raises: ValueError when the setting is not such a list.
        """
        return tuple(day for day in rising_days(self.reminder_days) if day < self.confirmation_days)
