"""What a folded text consists of: words, with the signs that belong to them, and runs without spaces."""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from services.catalog.text_analysis.folding import SPACELESS

LONGEST_WORD = 64
MOST_PARTS = 4  # of a compound; what has more, an address for example, is a row of words

_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS}]]"
# C++, C#, Google+ have signs after the word, .NET a point before it.
_UNIT = rf"(?:(?<![\p{{L}}\p{{N}}.])\.(?=\p{{L}}))?{_LETTER}+(?:\+\+|[+#](?![\p{{L}}\p{{N}}]))?"
# Node.js, A/B, R&D, e-mail, o'brien, C#/.NET, col·lecció, צה״ל: signs between words.
_JOINT = r"['\-./&_·׳״]"
_RUN = rf"[[{SPACELESS}]--\p{{P}}][[{SPACELESS}\p{{M}}]--\p{{P}}]*"
_TOKEN = regex.compile(rf"(?P<word>{_UNIT}(?:{_JOINT}{_UNIT}|/\.{_LETTER}+)*)|{_RUN}", regex.VERSION1)
_AFTER_SPACE = regex.compile(rf"\s+([[{SPACELESS}]--\p{{P}}])", regex.VERSION1)
_PART = regex.compile(rf"(?P<joint>^|{_JOINT})(?P<unit>\.?{_LETTER}+(?:\+\+|[+#])?)", regex.VERSION1)


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the words that signs join in it: `parts` is one more than `joints`."""

    text: str
    position: int
    parts: tuple[str, ...]
    joints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of a script without spaces between words.

    `following` is the first character of the next run where only a space lies between.
    """

    text: str
    position: int
    following: str = ""


Token = Word | Run


def tokens(folded: str) -> Iterator[Token]:
    """The tokens of a folded text; each part and each character of a run has a position of its own."""
    position = 1
    for found in _TOKEN.finditer(folded):
        if found["word"] is None:
            yield Run(found[0], position, _next_character(folded, found.end()))
            position += len(found[0])
        else:
            for word in _words(found[0], position):
                yield word
                position += len(word.parts)


def _words(text: str, position: int) -> Iterator[Word]:
    parts = [(part["joint"], part["unit"][:LONGEST_WORD]) for part in _PART.finditer(text)]
    if 1 < len(parts) <= MOST_PARTS:
        joints = tuple(joint for joint, _ in parts[1:])
        yield Word(text[:LONGEST_WORD], position, tuple(unit for _, unit in parts), joints)
    else:
        for place, (_, unit) in enumerate(parts):
            yield Word(unit, position + place, (unit,))


def _next_character(folded: str, end: int) -> str:
    found = _AFTER_SPACE.match(folded, end)
    return "" if found is None else found[1]
