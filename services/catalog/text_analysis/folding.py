"""Folding: what is written differently but means the same letters becomes the same text.

Stored texts and queries pass through the same functions, so no locale, extension or version of the
database decides what is found (docs/decisions/0018-search.md).
"""

import unicodedata

import regex
from anyascii import anyascii

from kit.text import accept_search_text

LONGEST_FOLDED = 12_000  # compatibility forms may grow: one Arabic ligature becomes 18 letters

# Scripts written without spaces between words: found by their parts.
SPACELESS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Bopomofo}\p{Yi}"
    "\u3005\u3006\u30fc"
)
# Marks that people leave out or add at will; vowel signs of Thai or Devanagari are letters, and the
# breve of й makes another letter.
_MARKS = regex.compile(
    "(?<!и)\u0306|[\u0300-\u0305\u0307-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"  # Arabic
    "\u093c\u09bc\u0a3c]"  # Indic nuktas
)
# "Logo™" would become "LogoTM", and what cannot be seen would divide words.
_UNSAID = regex.compile(r"[™℠©®℗]|\p{Cc}")
_INVISIBLE = regex.compile(r"\p{Cf}")
_DECIMAL = regex.compile(r"[^\P{Nd}0-9]")
_LATIN = regex.compile(r"[^\P{Latin}a-z]")
_SAME = str.maketrans(
    {
        **dict.fromkeys("’‘ʼʻ´`′＇", "'"),
        **dict.fromkeys("‐‑", "-"),
        "♯": "#",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ة": "ه",
        "ٱ": "ا",
        "ँ": "ं",
    }
)
# How German and the Nordic languages write these letters where a keyboard has none.
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_SPACELESS_CHARACTER = regex.compile(rf"[{SPACELESS}]")
_NOT_LETTERS = regex.compile("[^a-z0-9]+")
_CODE = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")


def fold(text: str) -> str:
    """The text without case, accents, ligatures, widths and the marks that may be left out.

    Punctuation stays: `tokens` decides what of it belongs to a word.
    """
    text = _UNSAID.sub(" ", accept_search_text(text).translate(_SAME))
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))[:LONGEST_FOLDED]
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text.casefold()))
    whole = unicodedata.normalize("NFC", bare).translate(_SAME)
    # The regular expressions know newer digits than Python does: those stay.
    digits = _DECIMAL.sub(lambda found: str(unicodedata.decimal(found[0], found[0])), whole)
    return str(_LATIN.sub(lambda found: anyascii(found[0]).lower(), digits))[:LONGEST_FOLDED]


def expand_umlauts(text: str) -> str:
    """The text with ä, ö, ü, ø and å written as two letters each; the same text without them."""
    return unicodedata.normalize("NFC", accept_search_text(text).casefold()).translate(_UMLAUTS)


def transliterate(folded: str) -> str:
    """A folded text as words of a-z and 0-9, close to how it sounds, to be compared by trigrams.

    A character of a script without spaces becomes a word of its own that looks like no other.
    """
    coded = _SPACELESS_CHARACTER.sub(_code, folded)
    return str(_NOT_LETTERS.sub(" ", anyascii(coded).lower())).strip()


def _code(found: regex.Match[str]) -> str:
    # The last digits first: neighbours in a script begin alike, and trigrams weigh beginnings.
    return f" {ord(found[0]):04x} "[::-1].translate(_CODE)
