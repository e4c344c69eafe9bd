"""Messages come in the language in use, which each request has for itself."""

import asyncio

import pytest

from kit.localization.translations import (
    current_language,
    gettext,
    language_in_use,
    language_of,
    ngettext,
    pgettext,
    preferred_tag,
    use_language,
)


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("DE-ch", "DE-ch"),
        ("en-GB,de;q=0.9", "en-GB"),
        ("en;q=0.5, de;q=0.7", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("fr-FR, de;q=0.4", "de"),
        ("fr, ja", "en"),
        ("*", "en"),
        ("den, deutsch", "en"),
        ("de;q=much", "en"),
        (";,;q=,=;q", "en"),
        (",".join(["fr"] * 30) + ",de", "en"),
    ],
)
def test_the_language_that_a_browser_prefers_of_ours_is_found(header: str, tag: str) -> None:
    assert preferred_tag(header) == tag


@pytest.mark.parametrize(
    ("tag", "language"), [("de", "de"), ("de-AT", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en")]
)
def test_a_tag_without_a_catalogue_is_english(tag: str, language: str) -> None:
    assert language_of(tag) == language


def test_messages_are_in_the_language_in_use_and_english_without_one() -> None:
    assert (gettext("Sign in"), ngettext("{count} star", "{count} stars", 2)) == ("Sign in", "{count} stars")
    with language_in_use("de"):
        assert gettext("Sign in") == "Anmelden"
        assert [ngettext("{count} star", "{count} stars", n) for n in (1, 2)] == [
            "{count} Stern",
            "{count} Sterne",
        ]
        assert (gettext("Order"), pgettext("document", "Order")) == ("Beauftragen", "Auftrag")
        assert gettext("of which there is no translation") == "of which there is no translation"
    assert current_language() == "en"


def test_each_task_has_a_language_of_its_own() -> None:
    async def answer(language: str, others: asyncio.Barrier) -> str:
        use_language(language)
        await others.wait()
        return gettext("Sign in")

    async def both() -> list[str]:
        barrier = asyncio.Barrier(2)
        return list(await asyncio.gather(answer("de", barrier), answer("en", barrier)))

    assert asyncio.run(both()) == ["Anmelden", "Sign in"]
    assert current_language() == "en"


def test_a_language_without_a_catalogue_cannot_be_in_use() -> None:
    with pytest.raises(ValueError, match="fr"):
        use_language("fr")
