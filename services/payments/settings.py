"""The settings of payments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kit.http.urls import web_address
from kit.security.strength import weakness_of_password
from kit.settings import Common, rising_days, setting

PROCESSORS = ("sandbox", "stripe")
STRIPE_API = "https://api.stripe.com"
LIVE_KEYS, TEST_KEYS = ("sk_live_", "rk_live_"), ("sk_test_", "rk_test_")


def _address(text: str) -> str:
    return web_address(text, ("http", "https"))


@dataclass(frozen=True)
class PaymentSettings(Common):
    """Fees, periods and the processor.

    A changed fee applies to payments begun afterwards, a changed period to orders that are completed or
    payments that are captured afterwards.

    Raises: BadSetting.
    """

    payment_processor: str = setting(
        "sandbox", "sandbox, or stripe; production refuses the sandbox", choices=PROCESSORS
    )
    allow_test_payments: bool = setting(
        False, "whether production may run on the sandbox, or on Stripe's test keys: no money moves"
    )
    platform_fee_basis_points: int = setting(
        1000, "the platform's fee in hundredths of a percent", within=(0, 10_000)
    )
    payment_due_days: int = setting(
        7, "days after completion until which an order is to be paid", within=(0, 36_500)
    )
    payment_reminder_days: str = setting(
        "3,6,14", "days after completion on which an unpaid order is reminded of, rising; empty for none"
    )
    release_days: int = setting(
        7, "days after capture from which the provider's share is available", within=(0, 36_500)
    )
    payment_action_hours: int = setting(24, "hours a customer has for the second step of a payment")
    processor_timeout_seconds: int = setting(3, "how long a payment processor may take to answer")
    payment_check_seconds: int = setting(
        10, "seconds after which an unanswered request is checked at the processor; they double"
    )
    sandbox_callback_seconds: int = setting(
        5, "seconds after which the sandbox calls back for sandbox_late", within=(0, 86_400)
    )
    stripe_secret_key: str = setting("", "Stripe's secret key", secret=True)
    stripe_webhook_secret: str = setting("", "verifies what Stripe posts to the webhook", secret=True)
    stripe_api_url: str = setting(STRIPE_API, "where Stripe's API is", form=_address)
    payment_return_url: str = setting(
        "http://127.0.0.1:8080/orders/{order_id}",
        "where Stripe's page sends the customer afterwards; {order_id} stands for the order's id",
        form=_address,
    )

    def problems(self) -> Iterator[str]:
        """Reminder days that do not rise, and missing secrets of the processor."""
        try:
            self.reminders()
        except ValueError as error:
            yield f"PAYMENT_REMINDER_DAYS: {error}"
        if self.payment_processor == "stripe":
            for name in ("stripe_secret_key", "stripe_webhook_secret"):
                if not getattr(self, name):
                    yield f"{name.upper()}: required by PAYMENT_PROCESSOR=stripe"

    def problems_in_production(self) -> Iterator[str]:
        """Test payments unless they are allowed, weak secrets, and addresses that are not Stripe's."""
        allowed = self.allow_test_payments
        if self.payment_processor == "sandbox" and not allowed:
            yield "PAYMENT_PROCESSOR: the sandbox moves no money; set ALLOW_TEST_PAYMENTS=1 to allow that"
        if self.payment_processor != "stripe":
            return
        if not self.stripe_secret_key.startswith(LIVE_KEYS + (TEST_KEYS if allowed else ())):
            yield "STRIPE_SECRET_KEY: not a live key; set ALLOW_TEST_PAYMENTS=1 to allow a test key"
        if why := weakness_of_password(self.stripe_webhook_secret.removeprefix("whsec_")):
            yield f"STRIPE_WEBHOOK_SECRET: {why}"
        if self.stripe_api_url != STRIPE_API:
            yield f"STRIPE_API_URL: must be {STRIPE_API} in production"

    @property
    def due_period(self) -> timedelta:
        """How long a customer has to pay."""
        return timedelta(days=self.payment_due_days)

    @property
    def holding_period(self) -> timedelta:
        """How long a provider's share is pending."""
        return timedelta(days=self.release_days)

    @property
    def action_period(self) -> timedelta:
        """How long a second step may take."""
        return timedelta(hours=self.payment_action_hours)

    def check_after(self, checks: int) -> timedelta:
        """How long to wait before the next check at the processor; doubles up to an hour."""
        return min(timedelta(seconds=self.payment_check_seconds << min(checks, 12)), timedelta(hours=1))

    def reminders(self) -> tuple[int, ...]:
        """The days of the reminders, rising. Raises: ValueError when the setting is not such a list."""
        return rising_days(self.payment_reminder_days)
