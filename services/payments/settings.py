"""The settings of payments."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import BadSetting, setting

PROCESSORS = ("sandbox", "stripe")


@dataclass(frozen=True)
class PaymentSettings:
    """Fees, periods and the processor.

    A changed fee counts for payments begun from then on, a changed period for what falls due or is
    captured from then on.

    Raises: BadSetting.
    """

    environment: str = setting("development", "development or production; production refuses demo secrets")
    payment_processor: str = setting("sandbox", "sandbox, or stripe; production refuses the sandbox")
    platform_fee_basis_points: int = setting(1000, "the platform's fee in hundredths of a percent")
    payment_due_days: int = setting(7, "days after completion until which an order is to be paid")
    payment_reminder_days: str = setting(
        "3,6,14", "days after completion on which an unpaid order is reminded of, rising; empty for none"
    )
    release_days: int = setting(7, "days after capture from which the provider's share is available")
    payment_action_hours: int = setting(24, "hours a customer has for the second step of a payment")
    processor_timeout_seconds: int = setting(3, "how long a payment processor may take to answer")
    payment_check_seconds: int = setting(
        10, "seconds after which the processor is asked what became of an unanswered request; they double"
    )
    sandbox_callback_seconds: int = setting(5, "seconds after which the sandbox calls back for sandbox_late")
    stripe_secret_key: str = setting("", "Stripe's secret key", secret=True)
    stripe_webhook_secret: str = setting("", "verifies what Stripe posts to the webhook", secret=True)
    stripe_api_url: str = setting("https://api.stripe.com", "where Stripe's API is")
    payment_return_url: str = setting(
        "http://127.0.0.1:8080/orders/{order_id}",
        "where Stripe's page sends the customer afterwards; {order_id} stands for the order's id",
    )

    def __post_init__(self) -> None:
        if self.payment_processor not in PROCESSORS:
            raise BadSetting(f"PAYMENT_PROCESSOR: must be one of {', '.join(PROCESSORS)}")
        if not 0 <= self.platform_fee_basis_points <= 10_000:
            raise BadSetting("PLATFORM_FEE_BASIS_POINTS: must be from 0 to 10000")
        for name in ("payment_due_days", "release_days", "sandbox_callback_seconds"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name.upper()}: must not be negative")
        for name in ("payment_action_hours", "processor_timeout_seconds", "payment_check_seconds"):
            if getattr(self, name) < 1:
                raise BadSetting(f"{name.upper()}: must be at least 1")
        self.reminders()
        self._check_processor()

    @property
    def due(self) -> timedelta:
        """How long a customer has to pay."""
        return timedelta(days=self.payment_due_days)

    @property
    def holding(self) -> timedelta:
        """How long a provider's share is pending."""
        return timedelta(days=self.release_days)

    @property
    def action(self) -> timedelta:
        """How long a second step may take."""
        return timedelta(hours=self.payment_action_hours)

    def check_after(self, checks: int) -> timedelta:
        """How long to wait before the processor is asked again; doubles up to an hour."""
        return min(timedelta(seconds=self.payment_check_seconds << min(checks, 12)), timedelta(hours=1))

    def reminders(self) -> tuple[int, ...]:
        """The days of the reminders, rising.

        Raises: BadSetting when the setting is not such a list.
        """
        try:
            days = tuple(int(day) for day in self.payment_reminder_days.split(",") if day.strip())
        except ValueError as error:
            raise BadSetting("PAYMENT_REMINDER_DAYS: must be whole numbers separated by commas") from error
        if any(day < 0 for day in days) or list(days) != sorted(set(days)):
            raise BadSetting("PAYMENT_REMINDER_DAYS: must rise, from 0")
        return days

    def _check_processor(self) -> None:
        if self.payment_processor == "sandbox" and self.environment == "production":
            raise BadSetting("PAYMENT_PROCESSOR: production needs a real one; the sandbox takes no money")
        if self.payment_processor == "stripe":
            for name in ("stripe_secret_key", "stripe_webhook_secret"):
                if not getattr(self, name):
                    raise BadSetting(f"{name.upper()}: PAYMENT_PROCESSOR=stripe needs it")
