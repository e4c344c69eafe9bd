"""Languages: which one a text is in, its stems, and the words that a query finds without."""

from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

import regex
from Stemmer import Stemmer

# Words in Latin letters are in any of these; in a document only in those its function words show.
LATIN_LANGUAGES = (
    *("english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish", "polish"),
    "turkish",
)
DEFAULT = "english"
MOST_SHOWN = 2
LEAST_EVIDENCE = 2
_SCRIPTS = {
    "russian": regex.compile(r"\p{Cyrillic}"),
    "greek": regex.compile(r"\p{Greek}"),
    "arabic": regex.compile(r"\p{Arabic}"),
    "hindi": regex.compile(r"\p{Devanagari}"),
}
_LATIN = regex.compile(r"[a-z]")
_SHORTEST_STEMMED = 3


@cache
def _function_words() -> dict[str, frozenset[str]]:
    lines = files(__package__).joinpath("function_words.txt").read_text("utf-8").splitlines()
    words = (line.split() for line in lines if not line.startswith("#"))
    return {language: frozenset(rest) for language, *rest in words}


@cache
def _every_function_word() -> frozenset[str]:
    return frozenset().union(*_function_words().values())


@cache
def _stemmer(language: str) -> Stemmer:
    return Stemmer(language)


def is_function_word(word: str) -> bool:
    """Whether a query finds the same without this word ("the", "für", "на")."""
    return word in _every_function_word()


def shown_languages(words: Iterable[str]) -> tuple[str, ...]:
    """English, and the languages in Latin letters that a document's function words show it to be in."""
    counted = Counter(words)
    evidence = Counter(
        {language: sum(counted[word] for word in _function_words()[language]) for language in LATIN_LANGUAGES}
    )
    best = max(evidence.values())
    likely = [
        language
        for language, count in evidence.most_common(MOST_SHOWN)
        if count >= max(LEAST_EVIDENCE, best / 2)
    ]
    return tuple(dict.fromkeys((DEFAULT, *likely)))


@lru_cache(maxsize=20_000)
def stems(word: str, latin_languages: tuple[str, ...] = LATIN_LANGUAGES) -> tuple[tuple[str, str], ...]:
    """(language, stem) of a folded word, in every language that it may be in."""
    if len(word) < _SHORTEST_STEMMED or (word.isascii() and not word.isalpha()):
        return ()
    if _LATIN.search(word):
        languages = latin_languages
    else:
        languages = tuple(language for language, letters in _SCRIPTS.items() if letters.search(word))
    return tuple((language[:3], _stemmer(language).stemWord(word)) for language in languages)
