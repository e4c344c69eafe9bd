"""Monthly earnings: what is asked for, and where the bars of the picture stand."""

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from client.resources import Statement
from website.views.earnings import (
    BOTTOM,
    HEIGHT,
    TOP,
    WIDTH,
    ClosedMonths,
    draw_charts,
    months_until,
    round_up,
)

NOW = datetime(2026, 2, 14, tzinfo=UTC)
MONTHS = ["2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02"]


def total(currency: str, gross: int, fees: int = 0, refunded: int = 0) -> dict[str, Any]:
    return {"currency": currency, "gross": gross, "fees": fees, "refunded": refunded}


def test_the_last_months_reach_over_the_turn_of_a_year() -> None:
    assert months_until(NOW) == MONTHS
    assert months_until(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 1) == ["2026-12"]


@pytest.mark.parametrize(
    ("amount", "scale"), [(0, 0), (1, 1), (3, 5), (64800, 100000), (100, 100), (101, 200), (501, 1000)]
)
def test_a_scale_ends_at_a_round_amount(amount: int, scale: int) -> None:
    assert round_up(amount) == scale


class Ledger:
    """Answers statements and remembers which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def statement(self, month: str) -> Statement:
        self.asked.append(month)
        return cast(Statement, {"totals": [total("EUR", 10000, fees=1000, refunded=500)]})


def test_closed_months_are_asked_for_once_for_each_person() -> None:
    ledger, months = Ledger(), ClosedMonths()

    def earned(who: str, now: datetime = NOW) -> Any:
        return asyncio.run(months.earnings(who, MONTHS, ledger.statement, now))

    assert earned("ada") == [{"EUR": 8500}] * 6
    assert ledger.asked == MONTHS
    for asked_again in (["2026-02"], ["2026-02"]):
        ledger.asked.clear()
        assert earned("ada") == [{"EUR": 8500}] * 6
        assert ledger.asked == asked_again
    ledger.asked.clear()
    earned("olivia")
    assert ledger.asked == MONTHS


def test_a_month_that_just_ended_is_not_kept_yet() -> None:
    ledger, months = Ledger(), ClosedMonths()
    for _ in range(2):
        asyncio.run(
            months.earnings("ada", ["2026-01"], ledger.statement, datetime(2026, 2, 1, 12, tzinfo=UTC))
        )
    assert ledger.asked == ["2026-01", "2026-01"]


def test_what_is_kept_is_bounded() -> None:
    ledger, months = Ledger(), ClosedMonths(most=2)
    for who in ("a", "b", "c", "a"):
        asyncio.run(months.earnings(who, ["2025-09"], ledger.statement, NOW))
    assert len(ledger.asked) == 4


def test_bars_stand_on_the_line_and_are_as_high_as_their_amounts() -> None:
    (chart,) = draw_charts(MONTHS, [{}, {"EUR": 50}, {}, {"EUR": 25}, {"EUR": 100}, {"EUR": 0}], "en")
    floor = HEIGHT - BOTTOM
    assert [bar.height for bar in chart.bars] == [0, 71, 0, 36, 142, 0]
    assert all(bar.y + bar.height == floor for bar in chart.bars)
    assert chart.bars[4].y == TOP
    assert chart.lines == ((TOP, 100), (95, 50), (floor, 0))
    assert [bar.label for bar in chart.bars] == ["Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
    edges = [(bar.x, bar.x + bar.width) for bar in chart.bars]
    assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(edges))
    assert edges[0][0] >= 0
    assert edges[-1][1] <= WIDTH


def test_a_month_of_refunds_hangs_below_the_line() -> None:
    (chart,) = draw_charts(MONTHS[:2], [{"KWD": 1000}, {"KWD": -1000}], "en")
    up, down = chart.bars
    assert (up.y, up.y + up.height) == (TOP, down.y)
    assert down.y + down.height == HEIGHT - BOTTOM
    assert [mark for _, mark in chart.lines] == [1000, 0, -1000]


def test_each_currency_has_its_own_picture_and_none_without_money() -> None:
    earned = [{"EUR": 5}, {"EUR": 7, "JPY": 900}, {"USD": 0}]
    assert [chart.currency for chart in draw_charts(MONTHS[:3], earned, "en")] == ["EUR", "JPY"]
    assert draw_charts(MONTHS[:3], [{}, {}, {}], "en") == []


def test_a_very_small_amount_is_seen_and_a_very_large_one_fits() -> None:
    (chart,) = draw_charts(MONTHS[:2], [{"EUR": 1}, {"EUR": 10**15}], "en")
    assert chart.bars[0].height == 1
    assert chart.bars[1].y == TOP
