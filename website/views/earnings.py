"""What a provider earned each month: from their statements, and as a picture.

Statements, not transactions, because a month's statement holds its totals however much moved: no list
has to be read to its end. A closed month of an append-only ledger never changes, so it is fetched once
and cached; every further dashboard fetches the current month only, concurrently with its other calls.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from client.resources import Statement
from kit.localization.dates import SHORT_MONTH, format_month

MONTHS_SHOWN = 6
MAX_CACHED_MONTHS = 20_000
SETTLED_AFTER = timedelta(days=1)  # until then a transaction of the month's last second may still arrive
WIDTH, HEIGHT, TOP, BOTTOM = 340, 190, 24, 24

Earned = Mapping[str, int]
FetchStatement = Callable[[str], Coroutine[Any, Any, Statement]]


def months_until(now: datetime, count: int = MONTHS_SHOWN) -> list[str]:
    """The last months in UTC, the current one last: `2026-11`."""
    number = now.year * 12 + now.month - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(number - count + 1, number + 1)]


def earned_in(statement: Statement) -> dict[str, int]:
    """What a month brought, per currency in minor units: what customers paid, less fees and refunds."""
    return {t["currency"]: t["gross"] - t["fees"] - t["refunded"] for t in statement["totals"]}


class ClosedMonths:
    """A cache of what people earned in closed months; evicts the least recently used."""

    def __init__(self, most: int = MAX_CACHED_MONTHS) -> None:
        self._most = most
        self._cached: OrderedDict[tuple[str, str], Earned] = OrderedDict()

    async def earnings(
        self, account_id: str, months: Sequence[str], fetch: FetchStatement, now: datetime | None = None
    ) -> list[Earned]:
        """What one person earned in each month; months that are not cached are fetched concurrently."""
        now = now or datetime.now(UTC)
        return await asyncio.gather(*(self._month(account_id, month, fetch, now) for month in months))

    async def _month(self, account_id: str, month: str, fetch: FetchStatement, now: datetime) -> Earned:
        key = (account_id, month)
        if (cached := self._cached.get(key)) is not None:
            self._cached.move_to_end(key)
            return cached
        earned = earned_in(await fetch(month))
        if month < f"{now - SETTLED_AFTER:%Y-%m}":
            self._cached[key] = earned
            while len(self._cached) > self._most:
                self._cached.popitem(last=False)
        return earned


@dataclass(frozen=True)
class Bar:
    """One month of a chart: where its bar stands, in the picture's units."""

    month: str
    label: str
    amount: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Chart:
    """The months of one currency. `lines` are heights of the picture and the amounts they stand for."""

    currency: str
    bars: tuple[Bar, ...]
    lines: tuple[tuple[int, int], ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw_charts(months: Sequence[str], earned: Sequence[Earned], tag: str) -> list[Chart]:
    """A chart for each currency in which something was earned, the busiest first."""
    series = {
        currency: [month.get(currency, 0) for month in earned]
        for currency in sorted({currency for month in earned for currency in month})
    }
    moving = {currency: amounts for currency, amounts in series.items() if any(amounts)}
    by_use = sorted(moving, key=lambda currency: -sum(1 for amount in moving[currency] if amount))
    return [_draw(currency, months, moving[currency], tag) for currency in by_use]


def _draw(currency: str, months: Sequence[str], amounts: Sequence[int], tag: str) -> Chart:
    top, floor = round_up(max(0, *amounts)), -round_up(max(0, *(-amount for amount in amounts)))
    room = HEIGHT - TOP - BOTTOM

    def y_of(amount: int) -> int:
        return TOP + (top - amount) * room // (top - floor)

    step = WIDTH // len(months)
    width = step * 3 // 5
    bars = tuple(
        Bar(
            month=month,
            label=format_month(month, tag, SHORT_MONTH),
            amount=amount,
            x=index * step + (step - width) // 2,
            y=min(y_of(amount), y_of(0)),
            width=width,
            height=abs(y_of(amount) - y_of(0)) or (1 if amount else 0),
        )
        for index, (month, amount) in enumerate(zip(months, amounts, strict=True))
    )
    marks = {top, 0, floor} if top and floor else {top, (top + floor) // 2, floor}
    return Chart(currency, bars, tuple((y_of(mark), mark) for mark in sorted(marks, reverse=True)))


def round_up(amount: int) -> int:
    """The next 1, 2 or 5 followed by zeros: where a scale may end."""
    if amount <= 0:
        return 0
    power: int = 10 ** (len(str(amount)) - 1)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= amount)
