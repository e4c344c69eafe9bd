"""The fonts of PDFs, and the choice of a font for each character.

FiraGO draws Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Georgian and Thai; Noto Sans draws
Chinese, Japanese and Korean. Both come from packages, under the SIL Open Font License.
"""

import functools
import io
import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.resources import files

from pymupdf_fonts import myfont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "FiraGO", "FiraGO-Bold"
CHINESE, KOREAN = "NotoSansSC", "NotoSansKR"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_EAST_ASIA = files("justmytype_intl_cjk") / "fonts" / "ofl"


@functools.cache
def load_fonts() -> dict[str, frozenset[int]]:
    """Registers the fonts with ReportLab, once; returns the characters of each."""
    fonts = (
        TTFont(REGULAR, io.BytesIO(myfont("figo"))),
        TTFont(BOLD, io.BytesIO(myfont("figbo"))),
        TTFont(CHINESE, str(_EAST_ASIA / "notosanssc" / "NotoSansSC[wght].ttf")),
        TTFont(KOREAN, str(_EAST_ASIA / "notosanskr" / "NotoSansKR[wght].ttf")),
    )
    for font in fonts:
        pdfmetrics.registerFont(font)
        pdfmetrics.registerFontFamily(font.fontName, font.fontName, BOLD, font.fontName, BOLD)
    return {font.fontName: frozenset(font.face.charToGlyph) for font in fonts}


def runs(text: str, bold: bool = False) -> Iterator[tuple[str, str]]:
    """Splits a text into pieces, each with a font that has all of its characters.

    Control characters and marks that change the text direction are removed; a character that no font
    has becomes U+FFFD.
    """
    own = BOLD if bold else REGULAR
    chosen = [_font_of(letter, own) for letter in text if not _is_hidden(letter)]
    for font, letters in itertools.groupby(chosen, key=lambda one: one[0]):
        yield font, "".join(letter for _, letter in letters)


@functools.lru_cache(4096)
def _font_of(letter: str, own: str) -> tuple[str, str]:
    covered = load_fonts()
    for font in (own, CHINESE, KOREAN):
        if ord(letter) in covered[font]:
            return font, letter
    if letter.isspace():
        return own, " "
    return (own, REPLACEMENT) if ord(REPLACEMENT) in covered[own] else (CHINESE, REPLACEMENT)


def needs_shaping(pieces: Sequence[tuple[str, str]]) -> bool:
    """Whether a text is written from right to left or has combining characters, and can be shaped:
    ReportLab shapes words of one font only."""
    ends = itertools.pairwise(text for _, text in pieces)
    if not all(before[-1].isspace() or after[0].isspace() for before, after in ends):
        return False
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Mc")
        for _, text in pieces
        for letter in text
    )


def _is_hidden(letter: str) -> bool:
    joins = letter in "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
    return unicodedata.category(letter) in ("Cc", "Cf") and not joins
