"""Language tags (BCP 47) and the locales of Babel that they stand for."""

import functools

from babel import Locale, UnknownLocaleError

from kit.validation import MAX_LOCALE_CHARACTERS

DEFAULT_TAG = "en"
CACHED_TAGS = 256


def bounded_tag(tag: str) -> str:
    """The tag itself, or its language alone when the tag is longer than one may be.

    Tags that were stored before there was a limit are read through this.
    """
    if len(tag) <= MAX_LOCALE_CHARACTERS:
        return tag
    language = tag[:MAX_LOCALE_CHARACTERS].partition("-")[0]
    return language if len(language) < MAX_LOCALE_CHARACTERS else DEFAULT_TAG


def locale_of(tag: str) -> Locale:
    """The locale of a language tag such as `pt-BR`: the nearest one that Babel has data of, in the end
    English. Takes any text; what is cached is bounded in number and size."""
    return _nearest(bounded_tag(tag))


@functools.lru_cache(CACHED_TAGS)
def _nearest(tag: str) -> Locale:
    subtags = tag.split("-")
    for length in range(len(subtags), 0, -1):
        try:
            return Locale.parse("_".join(subtags[:length]))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(DEFAULT_TAG)
