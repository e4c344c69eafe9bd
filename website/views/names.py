"""Names and titles inside our own sentences: whatever is in them, it cannot turn what stands around."""

from collections.abc import Mapping

from markupsafe import Markup

from kit.text import is_blank, without_direction


def bdi(text: str) -> Markup:
    """A name or title as HTML, with a direction of its own."""
    return Markup("<bdi>{}</bdi>").format(without_direction(text))


def fill(sentence: str, words: Mapping[str, str]) -> Markup:
    """A sentence of ours as HTML, with words in its places: markup as it is, the rest escaped.

    One pass: what is in a word is never read as a place to fill.
    """
    return Markup(sentence).format_map(words)  # noqa: S704 - the sentences are constants of ours


def initial(name: str) -> str:
    """The letter that stands for a person who has no picture."""
    return next((letter for letter in without_direction(name) if not is_blank(letter)), "").upper()[:1]
