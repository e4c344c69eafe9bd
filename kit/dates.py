"""Times as people read them: in their own time zone and order, in the site's own language."""

import functools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_time, format_timedelta

from kit.locales import CACHED_TAGS, bounded_tag, locale_of

CACHED_ZONES = 1024  # more than there are


@functools.lru_cache(CACHED_ZONES)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def english_of(tag: str) -> Locale:
    """English as it is written where a language tag's people live: `de` makes "28 Dec 2026, 17:05"."""
    return _english_of(bounded_tag(tag))


@functools.lru_cache(CACHED_TAGS)
def _english_of(tag: str) -> Locale:
    locale = locale_of(tag)
    if locale.language == "en":
        return locale
    likely = get_global("likely_subtags").get(locale.language, "")
    try:
        return Locale("en", locale.territory or likely.rpartition("_")[2])
    except (UnknownLocaleError, ValueError):
        return Locale("en", "001")


def write_moment(timestamp: str, tag: str, zone: str) -> str:
    """A time of day on a date, with its zone."""
    there = parse(timestamp).astimezone(zone_of(zone))
    return f"{write_day(timestamp, tag, zone)}, {write_clock(timestamp, tag, zone)} {there.tzname() or zone}"


def write_clock(timestamp: str, tag: str, zone: str) -> str:
    """A time of day."""
    there = parse(timestamp).astimezone(zone_of(zone))
    written: str = format_time(there, "short", tzinfo=zone_of(zone), locale=english_of(tag))
    return written


def write_day(timestamp: str, tag: str, zone: str) -> str:
    """A date."""
    day = parse(timestamp).astimezone(zone_of(zone)).date()
    written: str = format_date(day, "medium", locale=english_of(tag))
    return written


def write_distance(timestamp: str, now: datetime | None = None) -> str:
    """How far away a moment is, in words and so in the site's language: "in 3 days", "2 hours ago"."""
    distance: timedelta = parse(timestamp) - (now or datetime.now(UTC))
    written: str = format_timedelta(distance, add_direction=True, locale="en")
    return written


def parse(timestamp: str) -> datetime:
    """An RFC 3339 time as the API writes it, in UTC."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)
