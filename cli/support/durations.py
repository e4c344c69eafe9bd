"""Lengths of time as people say and write them."""

import re
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"(\d{1,6})([smhd])")


def spoken(seconds: float) -> str:
    """In the unit that fits."""
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} d"


class Moment(click.ParamType[datetime]):
    """An aware time: `2026-11-26T01:30:00Z`, or so long ago: `90s`, `30m`, `2h`, `3d`."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Reads it; asked wrongly it says how to ask."""
        if isinstance(value, datetime):
            return value
        if ago := _AGO.fullmatch(value):
            return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-11-26T01:30:00Z or 2h.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} needs its offset, like 2026-11-26T01:30:00Z.", param, ctx)
        return moment
