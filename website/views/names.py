"""Names and titles inside sentences, isolated so that their text direction does not affect the rest."""

from collections.abc import Mapping

from markupsafe import Markup

from kit.text import is_blank, without_direction


def bdi(text: str) -> Markup:
    """A name or title as HTML, with a direction of its own."""
    return Markup("<bdi>{}</bdi>").format(without_direction(text))


def fill(sentence: str, words: Mapping[str, str]) -> Markup:
    """A translated sentence as HTML, with its placeholders filled: markup as it is, the rest escaped.

    One pass: what is in a word is never read as a place to fill.
    """
    return Markup(sentence).format_map(words)  # noqa: S704 - the sentences are constants of ours


def initial(name: str) -> str:
    """The letter that stands for a person who has no picture."""
    return next((letter for letter in without_direction(name) if not is_blank(letter)), "").upper()[:1]
