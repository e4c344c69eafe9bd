"""Times as people read them: in their own time zone and order, in the language in use."""

import functools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time, format_timedelta

from kit.localization.locales import CACHED_TAGS, bounded_tag, locale_of
from kit.localization.translations import current_language

CACHED_ZONES = 1024  # more than there are
WHOLE_MONTH, SHORT_MONTH = "yMMMM", "MMM"  # skeletons of CLDR: November 2026, Nov


@functools.lru_cache(CACHED_ZONES)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def locale_of_dates(tag: str) -> Locale:
    """The locale of the language in use, in the region of a language tag.

    On an English page `de` makes "28 Dec 2026, 17:05", on a German one "28.12.2026, 17:05".
    """
    return _locale_in(current_language(), bounded_tag(tag))


@functools.lru_cache(2 * CACHED_TAGS)
def _locale_in(language: str, tag: str) -> Locale:
    locale = locale_of(tag)
    if locale.language == language:
        return locale
    likely = get_global("likely_subtags").get(locale.language, "")
    try:
        return Locale(language, locale.territory or likely.rpartition("_")[2])
    except (UnknownLocaleError, ValueError):
        return Locale(language, "001") if language == "en" else Locale(language)


def format_moment(timestamp: str, tag: str, zone: str) -> str:
    """A time of day on a date, with its zone."""
    there = parse(timestamp).astimezone(zone_of(zone))
    day, clock = format_day(timestamp, tag, zone), format_clock(timestamp, tag, zone)
    return f"{day}, {clock} {there.tzname() or zone}"


def format_clock(timestamp: str, tag: str, zone: str) -> str:
    """A time of day."""
    there = parse(timestamp).astimezone(zone_of(zone))
    written: str = format_time(there, "short", tzinfo=zone_of(zone), locale=locale_of_dates(tag))
    return written


def format_day(timestamp: str, tag: str, zone: str) -> str:
    """A date."""
    day = parse(timestamp).astimezone(zone_of(zone)).date()
    written: str = format_date(day, "medium", locale=locale_of_dates(tag))
    return written


def format_month(month: str, tag: str, skeleton: str = WHOLE_MONTH) -> str:
    """A month given as `2026-11`."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    written: str = format_skeleton(skeleton, first, tzinfo=UTC, locale=locale_of_dates(tag))
    return written


def format_distance(timestamp: str, now: datetime | None = None) -> str:
    """How far away a moment is, in the language in use: "in 3 days", "2 hours ago"."""
    distance: timedelta = parse(timestamp) - (now or datetime.now(UTC))
    written: str = format_timedelta(distance, add_direction=True, locale=current_language())
    return written


def parse(timestamp: str) -> datetime:
    """An RFC 3339 time as the API writes it, in UTC."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)
