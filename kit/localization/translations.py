"""Words for people: English messages in the code, translated by one catalogue for site, documents and mail.

A request says once which language is in use; `gettext` and its relatives return messages in it, and
`kit.localization.dates` names months in it. The catalogue is
`kit/locale/<language>/LC_MESSAGES/microtasks.po`, read as it is: nothing has to be compiled before a
process starts. A message without a translation stays English.
"""

import contextlib
import functools
import io
from collections.abc import Iterator
from contextvars import ContextVar
from gettext import GNUTranslations, NullTranslations
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from kit.localization.locales import DEFAULT_TAG

DOMAIN = "microtasks"
LANGUAGES = (DEFAULT_TAG, "de")
MOST_ACCEPTED = 20  # languages of a header that are read

_language: ContextVar[str] = ContextVar("language", default=DEFAULT_TAG)


def current_language() -> str:
    """The language in use, one of LANGUAGES."""
    return _language.get()


def use_language(language: str) -> None:
    """Sets the language of the running task. Raises: ValueError for one without a catalogue."""
    if language not in LANGUAGES:
        raise ValueError(f"There is no catalogue of {language!r}.")
    _language.set(language)


@contextlib.contextmanager
def language_in_use(language: str) -> Iterator[None]:
    """Sets the language for what happens inside. Raises: ValueError for one without a catalogue."""
    before = current_language()
    use_language(language)
    try:
        yield
    finally:
        _language.set(before)


def language_of(tag: str) -> str:
    """The language of the catalogue that is nearest to a language tag: `de` for `de-AT`, English for `fr`."""
    language = tag.partition("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT_TAG


def preferred_tag(accept_language: str) -> str:
    """The language tag a browser prefers of those that there is a catalogue for; English when there is none.

    Reads the `Accept-Language` header of RFC 9110, section 12.5.4.
    """
    accepted = [_accepted(part) for part in accept_language.split(",", MOST_ACCEPTED)[:MOST_ACCEPTED]]
    by_quality = sorted((each for each in accepted if each[1] > 0), key=lambda each: -each[1])
    return next((tag for tag, _ in by_quality if tag.partition("-")[0].lower() in LANGUAGES), DEFAULT_TAG)


def _accepted(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    name, _, quality = parameter.strip().partition("=")
    try:
        return tag.strip(), float(quality) if name.lower() == "q" else 1.0
    except ValueError:
        return tag.strip(), 0.0


def gettext(message: str) -> str:
    """A message in the language in use."""
    return translations(current_language()).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """A message in the form that goes with a number."""
    return translations(current_language()).ngettext(singular, plural, number)


def pgettext(context: str, message: str) -> str:
    """A message whose English words mean something else elsewhere; `context` says what they mean here."""
    return translations(current_language()).pgettext(context, message)


def npgettext(context: str, singular: str, plural: str, number: int) -> str:
    """The same in the form that goes with a number."""
    return translations(current_language()).npgettext(context, singular, plural, number)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Marks a message for the catalogue where it is not yet translated, in a table for example."""
    return message


@functools.cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language."""
    if language == DEFAULT_TAG:
        return NullTranslations()
    source = resources.files("kit") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return GNUTranslations(compiled)
