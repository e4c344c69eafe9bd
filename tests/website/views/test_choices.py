"""What Settings offers and says: browsers in words, languages by their own names, time zones by region."""

import zoneinfo

import pytest

from services.accounts.contract import _check_locale
from website.views.browser_names import browser_in_words
from website.views.languages import LANGUAGES, language_choices, zone_choices

ON_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"{ON_WINDOWS} {CHROME} Safari/537.36", "Chrome on Windows"),
        (f"{ON_WINDOWS} {CHROME} Safari/537.36 Edg/143.0.0.0", "Edge on Windows"),
        (f"{ON_WINDOWS} {CHROME} Safari/537.36 OPR/120.0.0.0", "Opera on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 "
            "Safari/605.1.15",
            "Safari on a Mac",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 "
            "Mobile/15E148 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("curl/8.5.0", "A program (curl)"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(user_agent: str | None, words: str) -> None:
    assert browser_in_words(user_agent) == words


def test_languages_carry_their_own_names_and_the_api_takes_them() -> None:
    names = dict(language_choices("de"))
    assert (names["de"], names["pt-BR"], names["ja"]) == ("Deutsch", "Português (Brasil)", "日本語")
    assert len(set(names.values())) == len(names) == len(LANGUAGES)
    for tag in names:
        _check_locale(tag)


def test_a_language_chosen_elsewhere_stays_a_choice() -> None:
    assert "gsw-CH" in dict(language_choices("gsw-CH"))


def test_time_zones_come_by_region_and_all_exist() -> None:
    groups = dict(zone_choices("Europe/Berlin"))
    assert ("Europe/Berlin", "Berlin") in groups["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Argentina, Buenos Aires") in groups["America"]
    names = [name for zones in groups.values() for name, _ in zones]
    assert len(set(names)) == len(names) and set(names) <= zoneinfo.available_timezones()
    assert "UTC" in names and {"Europe/Kyiv", "Asia/Kolkata"} < set(names)
    assert not {"Europe/Kiev", "Asia/Calcutta", "Australia/NSW"} & set(names), "each place once"


def test_a_time_zone_with_an_old_name_stays_a_choice() -> None:
    assert [group for group in zone_choices("CET") if group[0] == "Yours"] == [("Yours", (("CET", "CET"),))]
