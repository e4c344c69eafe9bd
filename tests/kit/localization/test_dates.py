"""Times on an English site, for readers from everywhere."""

import pytest

from kit.localization.dates import format_clock, format_day, format_moment

EVENING = "2026-12-28T16:05:00Z"


@pytest.mark.parametrize(
    ("tag", "day", "clock"),
    [
        ("en", "Dec 28, 2026", "4:05\u202fPM"),
        ("en-GB", "28 Dec 2026", "16:05"),
        ("de", "28 Dec 2026", "16:05"),
        ("fr-CA", "Dec 28, 2026", "4:05\u202fp.m."),
        ("pt-BR", "28 Dec 2026", "4:05\u202fpm"),
        ("ja", "28 Dec 2026", "4:05\u202fpm"),
        ("no-such", "28 Dec 2026", "16:05"),
        ("xx", "Dec 28, 2026", "4:05\u202fPM"),
    ],
)
def test_times_are_ordered_as_at_home_and_named_in_the_site_s_language(
    tag: str, day: str, clock: str
) -> None:
    assert (format_day(EVENING, tag, "UTC"), format_clock(EVENING, tag, "UTC")) == (day, clock)


def test_a_time_is_the_reader_s_own() -> None:
    assert format_moment(EVENING, "de", "Europe/Berlin") == "28 Dec 2026, 17:05 CET"
    assert format_day("2026-12-31T23:30:00Z", "de", "Asia/Tokyo") == "1 Jan 2027"
