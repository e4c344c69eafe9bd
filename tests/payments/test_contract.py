"""The public face of payments, its settings, and no floats anywhere."""

import ast
from pathlib import Path
from secrets import token_hex

import pytest

from kit.contracts import EVERY, events_of, rpcs_of
from kit.settings import BadSetting, load
from services.payments import contract
from services.payments.settings import PaymentSettings

SOURCES = sorted(Path(contract.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_there_is_no_float_in_the_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
        assert not isinstance(getattr(node, "op", None), ast.Div), where
        names = {getattr(node, "id", None), getattr(node, "attr", None)}
        assert not names & {"float", "Float", "Numeric", "round", "Decimal"}, where


def test_the_events_reach_their_consumers() -> None:
    consumers = {event.type: (event.consumers, event.live) for event in events_of(contract)}
    of_notice = ("due", "paid", "failed", "refunded", "partly_refunded")
    assert consumers == {
        "payment_changed": ({"orders": EVERY, "messaging": of_notice}, True),
        "payout_changed": ({"messaging": ("paid", "failed")}, True),
    }


def test_every_method_that_moves_money_takes_a_key() -> None:
    moving = {rpc.method for rpc in rpcs_of(contract) if rpc.mutates}
    assert {"pay_order", "refund_payment", "request_payout"} <= moving


REAL = {
    "environment": "production",
    "payment_processor": "stripe",
    "stripe_secret_key": "sk_live_1",
    "stripe_webhook_secret": f"whsec_{token_hex(16)}",
}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"payment_processor": "cash"}, "PAYMENT_PROCESSOR"),
        ({"environment": "production"}, "PAYMENT_PROCESSOR"),
        ({"payment_processor": "stripe"}, "STRIPE_SECRET_KEY"),
        ({"payment_processor": "stripe", "stripe_secret_key": "sk"}, "STRIPE_WEBHOOK_SECRET"),
        ({"platform_fee_basis_points": 10_001}, "PLATFORM_FEE_BASIS_POINTS"),
        ({"platform_fee_basis_points": -1}, "PLATFORM_FEE_BASIS_POINTS"),
        ({"payment_due_days": -1}, "PAYMENT_DUE_DAYS"),
        ({"release_days": -1}, "RELEASE_DAYS"),
        ({"processor_timeout_seconds": 0}, "PROCESSOR_TIMEOUT_SECONDS"),
        ({"payment_check_seconds": 0}, "PAYMENT_CHECK_SECONDS"),
        ({"payment_reminder_days": "3,2"}, "PAYMENT_REMINDER_DAYS"),
        ({"payment_reminder_days": "soon"}, "PAYMENT_REMINDER_DAYS"),
        ({"stripe_api_url": "api.stripe.com"}, "STRIPE_API_URL"),
        (REAL | {"stripe_secret_key": "sk_test_1"}, "STRIPE_SECRET_KEY"),
        (REAL | {"stripe_secret_key": "pk_live_1"}, "STRIPE_SECRET_KEY"),
        (REAL | {"stripe_webhook_secret": "whsec_short"}, "STRIPE_WEBHOOK_SECRET"),
        (REAL | {"stripe_api_url": "https://api.stripe.com.example"}, "STRIPE_API_URL"),
        (REAL | {"stripe_api_url": "http://api.stripe.com"}, "STRIPE_API_URL"),
        (
            REAL | {"stripe_api_url": "https://me@api.stripe.com", "allow_test_payments": True},
            "STRIPE_API_URL",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(values: dict[str, object], name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load(PaymentSettings, **values)


def test_production_takes_a_real_processor() -> None:
    assert load(PaymentSettings, **REAL).payment_processor == "stripe"


@pytest.mark.parametrize("values", [{"payment_processor": "sandbox"}, {"stripe_secret_key": "sk_test_1"}])
def test_production_takes_test_payments_only_when_told_that_they_are_meant(values: dict[str, str]) -> None:
    assert load(PaymentSettings, **REAL | values, allow_test_payments=True).is_production
