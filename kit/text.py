r"""The one rule for text that people write (docs/decisions/0014-one-rule-for-text.md).

`accept_line` and `accept_text` return what is stored; `accept_search_text` accepts anything; `is_blank`
says whether anything is visible; `isolated` and `printable` make any text, also one older than this rule,
safe inside a sentence and on a terminal. Every function takes time proportional to the text.
"""

import re
import unicodedata

MAX_MARKS = 8  # combining marks on one letter; the longest real stack (Tibetan) has that many
LONGEST_DECOMPOSITION = 4  # code points that NFC may join into one, so what may be typed for one
_MAX_RAW_MARKS = 30  # the Stream-Safe Text Format (UAX #15): keeps normalising linear

# Derived property Default_Ignorable_Code_Point, and three characters that are drawn as nothing.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\u2800\ufffc\U0001d159"
)
_BIDI_CONTROLS = "\u202a-\u202e\u2066-\u2069"
_BIDI_MARKS = "\u061c\u200e\u200f"
_LINE_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)
)
_NEVER = (
    ("control characters", "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"),
    ("unpaired surrogates", "\ud800-\udfff"),
    ("characters that turn the direction of text", _BIDI_CONTROLS),
    ("characters that nobody can see", "\u2065\u206a-\u206f\ufff0-\ufffb\U000e0000-\U000e00ff"),
    ("characters that nobody can see", "\U000e01f0-\U000e0fff"),
    ("code points that are no characters", _NONCHARACTERS),
)
_NEVER_IN_A_LINE = (
    ("line breaks", _LINE_BREAKS),
    ("control characters", "\t"),
    ("characters that turn the direction of text", _BIDI_MARKS),
    ("private-use characters", "\ue000-\uf8ff\U000f0000-\U0010fffd"),
)
_VARIATIONS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_LONE_VARIATION = re.compile(rf"(?:\A|(?<=[\s{_INVISIBLE}]))[{_VARIATIONS}]")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,16}\U000e007f")
_INVISIBLES = re.compile(f"[{_INVISIBLE}]+")
_BIDI = re.compile(f"[{_BIDI_CONTROLS}]+")
_ALL_LINE_BREAKS = re.compile("\r\n|[\r\u2028\u2029]")
_NO_WORDS = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_BIDI_CONTROLS}{_NONCHARACTERS}]")
_UNPRINTABLE = re.compile(
    f"[\x00-\x1f\x7f-\x9f{_BIDI_MARKS}{_BIDI_CONTROLS}\u2028\u2029\ud800-\udfff"
    f"\u206a-\u206f\ufff0-\ufffb\U000e0000-\U000e00ff]"
)

_Refusals = tuple[tuple[str, re.Pattern[str]], ...]


def _compiled(*kinds: tuple[str, str]) -> _Refusals:
    return tuple((kind, re.compile(f"[{characters}]")) for kind, characters in kinds)


_REFUSED_IN_TEXTS = _compiled(*_NEVER)
_REFUSED_IN_LINES = _compiled(*_NEVER_IN_A_LINE, *_NEVER)


class BadText(ValueError):
    """A text is refused; the message is a sentence for the person who typed it."""


def accept_line(typed: str) -> str:
    """Returns a text of one line, such as a name or title, as it is stored (NFC). Raises: BadText."""
    return _accept(typed, _REFUSED_IN_LINES)


def accept_text(typed: str) -> str:
    r"""Returns a text of any number of lines as it is stored: NFC, lines end in "\n". Raises: BadText."""
    return _accept(_ALL_LINE_BREAKS.sub("\n", typed), _REFUSED_IN_TEXTS)


def accept_search_text(typed: str) -> str:
    """Returns a search text in NFC; characters that a text must not contain become spaces."""
    return unicodedata.normalize("NFC", _NO_WORDS.sub(" ", _without_excess_marks(typed)))


def visible_length(text: str) -> int:
    """Returns the number of visible characters, spaces between them included; 0 for a blank text."""
    return 0 if is_blank(text) else len(_INVISIBLES.sub("", text).strip())


def is_blank(text: str) -> bool:
    """Whether nothing is visible: only spaces, line breaks, invisible characters, lone marks."""
    seen = _INVISIBLES.sub("", text)
    unseen = ("Mn", "Mc", "Me", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs")
    return all(unicodedata.category(character) in unseen for character in set(seen))


def isolated(text: str) -> str:
    """Returns the text for the middle of a left-to-right sentence: it keeps its own direction and does not
    change that of the text around it. (In HTML, `<bdi>` does the same.)"""
    text = without_direction(text)
    turns = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in set(text))
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if turns else text


def without_direction(text: str) -> str:
    """Returns the text without characters that change the direction of what follows."""
    return _BIDI.sub("", text)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Returns the text for a terminal, with control characters escaped, as `\x1b`.

    Line breaks and tabs are kept with `lines`.
    """
    return _UNPRINTABLE.sub(lambda found: _escaped(found[0], "\n\t" if lines else ""), text)


def _escaped(character: str, kept: str) -> str:
    return character if character in kept else character.encode("unicode_escape").decode("ascii")


def _accept(typed: str, refused: _Refusals) -> str:
    _refuse_marks(typed, _MAX_RAW_MARKS)
    text = unicodedata.normalize("NFC", typed)
    _refuse_marks(text, MAX_MARKS)
    _refuse_characters(text, refused)
    return text


def _refuse_characters(text: str, refused: _Refusals) -> None:
    if text.isascii() and text.isprintable():
        return
    checked = _FLAG.sub("\U0001f3f4", text)
    for kind, pattern in refused:
        if found := pattern.search(checked):
            raise BadText(f"Must not contain {kind} (U+{ord(found[0]):04X}).")
    if found := _LONE_VARIATION.search(checked):
        raise BadText(f"Must not contain variation selectors on nothing (U+{ord(found[0]):04X}).")


def _refuse_marks(text: str, most: int) -> None:
    if not text.isascii() and len(_without_excess_marks(text, most)) < len(text):
        raise BadText(f"Must not have more than {most} combining marks on one letter.")


def _without_excess_marks(text: str, most: int = _MAX_RAW_MARKS) -> str:
    """Returns the text without marks beyond `most` on one letter; invisible characters are not letters."""
    marks = {character for character in set(text) if _is_mark(character)}
    if len(text) <= most or not marks:
        return text
    kept, run = [], 0
    for character in text:
        if character in marks:
            run += 1
            if run > most:
                continue
        elif _INVISIBLES.match(character) is None:
            run = 0
        kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me") or unicodedata.combining(character) > 0
