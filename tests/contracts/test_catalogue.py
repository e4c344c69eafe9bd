"""The catalogue of messages: complete in every language, and the same as the code."""

import re
from collections import Counter

import pytest
from babel.messages.catalog import Message

from tests.support.catalogue import TRANSLATIONS, committed, extracted, path_of, updated

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|</?[a-z]+(?: [^>]*)?>")
LEAST_MESSAGES = 500


def messages(language: str) -> list[Message]:
    return [message for message in committed(language) if message.id]


def forms_of(texts: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ("",))


def test_extraction_finds_the_texts_of_site_and_documents() -> None:
    found = extracted()
    assert len(found) >= LEAST_MESSAGES
    for message in ("Sign in", "Order Placed", "Opening balance", "{actor} wrote to you about “{title}”."):
        assert message in found, message


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_catalogue_is_up_to_date_with_the_code(language: str) -> None:
    assert path_of(language).read_text("utf-8") == updated(language), "run `make messages`, and translate"


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_message_is_translated_and_none_is_uncertain(language: str) -> None:
    missing = [message.id for message in messages(language) if not all(forms_of(message.string))]
    assert not missing
    assert not [message.id for message in messages(language) if message.fuzzy]


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_the_placeholders_and_tags_of_its_message(language: str) -> None:
    for message in messages(language):
        wanted = [Counter(PLACEHOLDER.findall(form)) for form in forms_of(message.id)]
        for number, form in enumerate(forms_of(message.string)):
            found = Counter(PLACEHOLDER.findall(form))
            assert found in wanted, (message.id, form)
            if len(wanted) == 1:
                assert number == 0


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_plural_message_has_every_plural_form_of_the_language(language: str) -> None:
    plurals = [message for message in messages(language) if message.pluralizable]
    assert plurals
    assert {len(forms_of(message.string)) for message in plurals} == {committed(language).num_plurals}
