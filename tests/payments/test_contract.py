"""The public face of payments, its settings, and no floats anywhere."""

import ast
from pathlib import Path

import pytest

from kit.contracts import events_of, rpcs_of
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
    assert consumers == {
        "payment_changed": (("orders", "messaging"), True),
        "payout_changed": (("messaging",), True),
    }


def test_every_method_that_moves_money_takes_a_key() -> None:
    moving = {rpc.method for rpc in rpcs_of(contract) if rpc.mutates}
    assert {"pay_order", "refund_payment", "request_payout"} <= moving


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
    ],
)
def test_a_setting_that_cannot_be_used_is_named(values: dict[str, object], name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load(PaymentSettings, **values)


def test_production_takes_a_real_processor() -> None:
    values = {"payment_processor": "stripe", "stripe_secret_key": "sk", "stripe_webhook_secret": "wh"}
    assert load(PaymentSettings, environment="production", **values).payment_processor == "stripe"
