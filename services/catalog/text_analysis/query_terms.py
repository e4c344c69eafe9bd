"""What a query looks up, bounded whatever was typed."""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from services.catalog.text_analysis.folding import transliterate
from services.catalog.text_analysis.languages import is_function_word, stems
from services.catalog.text_analysis.terms import other_spellings, quoted, spelled_twice
from services.catalog.text_analysis.tokens import Run, Word

MOST_TERMS = 12
LONGEST_RUN = 24
LONGEST_TRANSLITERATION = 80
SHORTEST_TRANSLITERATION = 4  # in fewer letters no typing error can be told from another word
_SHORT = 2

# Japanese puts particles in hiragana between its words: ロゴのデザイン asks for ロゴ and デザイン.
_SAME_SCRIPT = regex.compile(r"\p{Hiragana}+|[\p{Katakana}\u30fc]+|[^\p{Hiragana}\p{Katakana}\u30fc]+")
_HIRAGANA = regex.compile(r"\p{Hiragana}+")


@dataclass(frozen=True)
class QueryTerms:
    """Four tsqueries, `all_` for all words and `any_` for at least one of them, in any form or as they
    were typed; how many forms a word has; and the words transliterated."""

    all_forms: str
    all_typed: str
    any_form: str
    any_typed: str
    forms_per_word: float
    transliterated: str

    @property
    def misspelled(self) -> str:
        """What to forgive typing errors in; empty where too short to tell them from other words."""
        return self.transliterated if len(self.transliterated) >= SHORTEST_TRANSLITERATION else ""


@dataclass(frozen=True)
class _QueryWord:
    """One word of a query."""

    text: str
    condition: str
    exact: tuple[str, ...]
    forms: tuple[str, ...]
    optional: bool

    @property
    def condition_as_typed(self) -> str:
        return quoted(self.text) if self.text in self.exact else self.condition


def query_terms(typed: str) -> QueryTerms | None:
    """What to look up; None when nothing that was typed can be in any word."""
    found = list(_query_words(typed))
    needed = [each for each in found if not each.optional] or found
    needed = needed[:MOST_TERMS]
    if not needed:
        return None
    typed_so = dict.fromkeys(term for each in found[:MOST_TERMS] for term in each.exact)
    forms = dict.fromkeys(term for each in needed for term in each.forms)
    words = sum(len(each.exact) for each in needed)
    latin = transliterate(" ".join(each.text for each in needed))[:LONGEST_TRANSLITERATION].strip()
    return QueryTerms(
        " & ".join(dict.fromkeys(each.condition for each in needed)),
        " & ".join(dict.fromkeys(each.condition_as_typed for each in needed)),
        " | ".join(map(quoted, forms)),
        " | ".join(map(quoted, typed_so)),
        len(forms) / words,
        latin,
    )


def _query_words(typed: str) -> Iterator[_QueryWord]:
    for token, expanded in spelled_twice(typed):
        if isinstance(token, Run):
            for part in _SAME_SCRIPT.findall(token.text[:LONGEST_RUN]):
                yield _word_of_run(part)
        elif isinstance(expanded, Word):
            yield _word_of(token, expanded)


def _word_of_run(text: str) -> _QueryWord:
    optional = _HIRAGANA.fullmatch(text) is not None
    if len(text) == 1:
        return _QueryWord(text, f"{quoted(text)}:*", (text,), (text,), optional)
    pairs = tuple(text[place : place + 2] for place in range(len(text) - 1))
    return _QueryWord(text, f"({' <-> '.join(map(quoted, pairs))})", pairs, pairs, optional)


def _word_of(word: Word, expanded: Word) -> _QueryWord:
    parts = [_forms(*units) for units in zip(word.parts, expanded.parts, strict=True)]
    if not word.joints:
        optional = is_function_word(word.text)
        return _QueryWord(word.text, _either(parts[0]), (word.text,), parts[0], optional)
    joined = "".join(word.parts)
    whole = (word.text, *_forms(joined, "".join(expanded.parts)))
    condition = f"({_either(whole)} | ({_together(word, parts)}))"
    return _QueryWord(
        word.text, condition, (word.text,), (*whole, *(f for part in parts for f in part)), False
    )


def _together(word: Word, parts: list[tuple[str, ...]]) -> str:
    """Parts that say something alone may stand anywhere, others (R&D) only side by side."""
    long = [forms for unit, forms in zip(word.parts, parts, strict=True) if len(unit) > _SHORT]
    if len(long) == len(parts) or (long and set(word.joints) == {"'"}):
        return " & ".join(map(_either, long))
    return " <-> ".join(map(_either, parts))


def _forms(unit: str, expanded: str) -> tuple[str, ...]:
    spellings = (unit, *other_spellings(unit, expanded))
    marked = (form for spelling in spellings for form in (spelling, f"~{spelling}"))
    return tuple(dict.fromkeys((*marked, *(f"{language}~{stem}" for language, stem in stems(unit)))))


def _either(forms: tuple[str, ...]) -> str:
    return f"({' | '.join(map(quoted, forms))})"
