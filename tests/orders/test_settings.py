"""The clocks' settings: used as they are, or refused by name."""

from datetime import timedelta
from typing import Any

import pytest

from kit.settings import BadSetting, load
from services.orders.settings import OrderPeriods


def test_the_periods_are_those_of_the_domain() -> None:
    periods = OrderPeriods()
    assert periods.expiry == timedelta(hours=72)
    assert periods.confirmation == timedelta(days=14)
    assert periods.reminders() == (5, 12)


def test_periods_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_EXPIRY_HOURS", "0.5")
    monkeypatch.setenv("CONFIRMATION_DAYS", "7")
    monkeypatch.setenv("REMINDER_DAYS", "1, 3,12")
    periods = load(OrderPeriods)
    assert periods.expiry == timedelta(minutes=30)
    assert periods.reminders() == (1, 3)  # day 12 never comes: the order confirms itself on day 7


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("order_expiry_hours", 0.0),
        ("confirmation_days", -1.0),
        ("reminder_days", "12,5"),
        ("reminder_days", "5,5"),
        ("reminder_days", "-1"),
        ("reminder_days", "soon"),
    ],
)
def test_a_bad_period_stops_the_start_with_its_name(setting: str, value: Any) -> None:
    with pytest.raises(BadSetting, match=setting.upper()):
        load(OrderPeriods, **{setting: value})


def test_reminders_can_be_switched_off() -> None:
    assert OrderPeriods(reminder_days="").reminders() == ()
