"""Amounts and times in documents."""

from collections.abc import Mapping
from typing import Any

from kit.localization.dates import format_day, format_moment, format_month
from kit.localization.money import format_money

ZONE = "UTC"


class LocaleFormatter:
    """Writes amounts and times for a reader of one locale; times are in UTC."""

    def __init__(self, tag: str) -> None:
        self._tag = tag

    def money(self, amount: Mapping[str, Any]) -> str:
        """An amount of minor units."""
        return format_money(amount, self._tag)

    def moment(self, timestamp: str) -> str:
        """A time of day on a date."""
        return format_moment(timestamp, self._tag, ZONE)

    def day(self, timestamp: str) -> str:
        """A date."""
        return format_day(timestamp, self._tag, ZONE)

    def month(self, month: str) -> str:
        """A month given as `2026-11`."""
        return format_month(month, self._tag)
