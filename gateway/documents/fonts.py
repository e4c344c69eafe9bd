"""The typefaces of PDFs, and which of them has a letter.

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
NOWHERE = "\N{REPLACEMENT CHARACTER}"
_EAST_ASIA = files("justmytype_intl_cjk") / "fonts" / "ofl"


@functools.cache
def load_fonts() -> dict[str, frozenset[int]]:
    """Registers the fonts with ReportLab, once; the characters of each."""
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
    """The text in pieces, each with the font that has all its letters.

    Control characters go, so do marks that would turn the direction of what follows; a letter that
    no font has is drawn as U+FFFD.
    """
    own = BOLD if bold else REGULAR
    placed = [_placed(letter, own) for letter in text if not _is_hidden(letter)]
    for font, letters in itertools.groupby(placed, key=lambda one: one[0]):
        yield font, "".join(letter for _, letter in letters)


@functools.lru_cache(4096)
def _placed(letter: str, own: str) -> tuple[str, str]:
    covered = load_fonts()
    for font in (own, CHINESE, KOREAN):
        if ord(letter) in covered[font]:
            return font, letter
    if letter.isspace():
        return own, " "
    return (own, NOWHERE) if ord(NOWHERE) in covered[own] else (CHINESE, NOWHERE)


def needs_shaping(pieces: Sequence[tuple[str, str]]) -> bool:
    """Whether letters are written from the right or change with their neighbours, and can be shaped:
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
