"""Search terms: what of a document is stored, and what of a query is looked up.

A term is a word as it is written, folded (`logos`), or another form of it: `~cpp` of C++, `~mueller`
of Müller, `eng~logo` as its English stem. A run of a script without spaces is stored as its pairs of
neighbouring characters. All is written in PostgreSQL's own notation for tsvector and tsquery, so its
parsers, dictionaries and locale have no part in what is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.catalog.text_analysis.folding import expand_umlauts, fold, transliterate
from services.catalog.text_analysis.languages import shown_languages, stems
from services.catalog.text_analysis.tokens import Run, Token, Word, tokens

VERSION = 1  # raised whenever the same text gets other terms: stored ones are then computed again
MOST_POSITIONS = 250  # PostgreSQL keeps 255 of a term
GAP = 10  # positions between two fields, so that no phrase reaches from one into the next
_SPELLED = {"++": ("plusplus", "pp"), "#": ("sharp",), "+": ("plus",)}

Placed = tuple[str, int]


@dataclass(frozen=True)
class DocumentTerms:
    """What is stored of a document: `terms` of all its fields, by weight, and those of its title."""

    terms: str
    title_terms: str
    title_transliterated: str


@dataclass(frozen=True)
class NameTerms:
    """What is stored of the name of who offers it."""

    terms: str
    transliterated: str


def document_terms(title: str, name: str, category: str, description: str) -> DocumentTerms:
    """The terms of a service; a word weighs most in the title, then in name, category, description."""
    languages = _languages(title, description)
    titled = _placed(title, languages)
    fields = {"A": titled, "B": _placed(name, ()), "C": _placed(category, languages)}
    fields["D"] = _placed(description, languages)
    return DocumentTerms(_tsvector(fields), _tsvector({"A": titled}), transliterate(fold(title)))


def name_terms(name: str) -> NameTerms:
    """The terms of a name alone, as they are among those of a document."""
    return NameTerms(_tsvector({"B": _placed(name, ())}), transliterate(fold(name)))


def other_spellings(unit: str, expanded: str) -> Iterator[str]:
    """How else a word may be written: Müller as Mueller, C++ as cpp, .NET as dotnet."""
    if expanded != unit:
        yield expanded
    for sign, names in _SPELLED.items():
        if unit.endswith(sign) and len(unit) > len(sign):
            yield from (unit.removesuffix(sign) + name for name in names)
            return
    if unit.startswith("."):
        yield "dot" + unit[1:]


def spelled_twice(text: str) -> Iterator[tuple[Token, Token]]:
    """The tokens of a text, each with the same token as it is with ä, ö, ü, ø and å expanded."""
    folded = fold(text)
    plain, other = tuple(tokens(folded)), fold(expand_umlauts(text))
    expanded = plain if other == folded else tuple(tokens(other))
    return zip(plain, expanded if len(expanded) == len(plain) else plain, strict=True)


def quoted(term: str) -> str:
    """A term as both notations take it, whatever is in it."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def _languages(*texts: str) -> tuple[str, ...]:
    found = (token for text in texts for token in tokens(fold(text)))
    return shown_languages(part for token in found if isinstance(token, Word) for part in token.parts)


def _placed(text: str, languages: tuple[str, ...]) -> list[Placed]:
    placed: list[Placed] = []
    for token, expanded in spelled_twice(text):
        if isinstance(token, Run):
            placed += _of_run(token)
        elif isinstance(expanded, Word):
            placed += _of_word(token, expanded, languages)
    return placed


def _of_run(run: Run) -> Iterator[Placed]:
    for place, character in enumerate(run.text):
        pair = run.text[place : place + 2]
        yield pair, run.position + place
        if len(pair) == 1 and run.following:
            yield character + run.following, run.position + place


def _of_word(word: Word, expanded: Word, languages: tuple[str, ...]) -> Iterator[Placed]:
    for place, unit in enumerate(word.parts):
        position = word.position + place
        yield unit, position
        for form in _forms(unit, expanded.parts[place], languages):
            yield form, position
        if place and word.joints[place - 1] == ".":
            yield f"~.{unit}", position
    if word.joints:
        joined = "".join(word.parts)
        yield word.text, word.position
        for form in (f"~{joined}", *_stems(joined, languages)):
            yield form, word.position


def _forms(unit: str, expanded: str, languages: tuple[str, ...]) -> Iterator[str]:
    yield from (f"~{other}" for other in other_spellings(unit, expanded))
    if (bare := unit.strip(".+#")) != unit:
        yield f"~{bare}"
    yield from _stems(unit, languages)


def _stems(word: str, languages: tuple[str, ...]) -> list[str]:
    return [f"{language}~{stem}" for language, stem in stems(word, languages)]


def _tsvector(fields: dict[str, list[Placed]]) -> str:
    places: dict[str, list[str]] = {}
    start = 0
    for weight, placed in fields.items():
        for term, position in placed:
            at = places.setdefault(term, [])
            if len(at) < MOST_POSITIONS:
                at.append(f"{start + position}{weight}")
        start += max((position for _, position in placed), default=0) + GAP
    return " ".join(f"{quoted(term)}:{','.join(at)}" for term, at in places.items())
