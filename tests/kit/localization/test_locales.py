"""Any language tag stands for a locale, and no tag makes what is cached grow without end."""

import pytest
from babel import localedata

from kit.localization.locales import CACHED_TAGS, _nearest, bounded_tag, locale_of
from kit.validation import MAX_LOCALE_CHARACTERS

LONG = "en-" + "-".join(f"w{number:04d}xx" for number in range(7000))


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("pt-BR", "pt_BR"),
        ("en-GB-oxendict", "en_GB"),
        ("zh-Hans-CN", "zh_Hans_CN"),
        ("xx", "en"),
        ("", "en"),
        ("de" + LONG[2:], "de"),
        ("x" * 70_000, "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_the_nearest_locale_is_found(tag: str, found: str) -> None:
    assert str(locale_of(tag)) == found


def test_a_tag_that_is_too_long_is_its_language_alone() -> None:
    assert bounded_tag(LONG) == "en"
    assert bounded_tag("pt-BR") == "pt-BR"
    assert bounded_tag("x" * 36) == "en"


def test_many_tags_fill_neither_our_cache_nor_babels() -> None:
    for number in range(2 * CACHED_TAGS):
        assert str(locale_of(f"en-w{number:04d}xx")) == "en"
    assert _nearest.cache_info().currsize <= CACHED_TAGS
    known = {*localedata.locale_identifiers(), "root"}
    assert set(localedata._cache) <= known
    assert all(len(name) <= MAX_LOCALE_CHARACTERS for name in localedata._cache)
