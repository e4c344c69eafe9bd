"""Amounts and times print the same on the site and in receipts and statements."""

import re
from typing import Any

import pytest

from gateway.documents.formatting import LocaleFormatter
from website.assets import Assets
from website.views.rendering import make_environment

TEMPLATES = make_environment(Assets())


def on_page(template: str, tag: str, zone: str = "UTC", **context: Any) -> str:
    """What a template of the site shows to a reader, without tags."""
    shown = TEMPLATES.from_string(f"{{{{ {template} }}}}").render(locale=tag, time_zone=zone, **context)
    return re.sub("<[^>]*>", "", shown)


@pytest.mark.parametrize("tag", ["en", "en-GB", "de", "de-AT", "fr", "ja", "ar"])
@pytest.mark.parametrize(
    ("currency", "minor"),
    [("JPY", 450_000), ("EUR", 450_000), ("EUR", -5), ("KWD", 1_234_567), ("HUF", 123_456), ("CLF", 100)],
)
def test_an_amount_prints_the_same_on_the_site_and_in_a_document(tag: str, currency: str, minor: int) -> None:
    amount = {"amount": minor, "currency": currency}
    assert on_page("amount | money", tag, amount=amount) == LocaleFormatter(tag).money(amount)


@pytest.mark.parametrize("tag", ["en", "en-GB", "de", "fr", "ja"])
@pytest.mark.parametrize("timestamp", ["2026-12-28T16:05:59.999999Z", "2026-07-01T00:00:00+02:00"])
def test_a_time_prints_the_same_on_the_site_and_in_a_document(tag: str, timestamp: str) -> None:
    document = LocaleFormatter(tag)
    assert on_page("at | moment", tag, at=timestamp) == document.moment(timestamp)
    assert on_page("at | day", tag, at=timestamp) == document.day(timestamp)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "28 Dec 2026, 16:05 UTC"),
        ("Europe/Berlin", "28 Dec 2026, 17:05 CET"),
        ("Asia/Tokyo", "29 Dec 2026, 01:05 JST"),
        ("America/New_York", "28 Dec 2026, 11:05 EST"),
        ("No/Such", "28 Dec 2026, 16:05 UTC"),
    ],
)
def test_the_site_writes_times_in_the_reader_s_zone(zone: str, shown: str) -> None:
    assert on_page("at | moment", "en-GB", zone, at="2026-12-28T16:05:00Z") == shown
