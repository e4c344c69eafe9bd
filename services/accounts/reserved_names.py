"""Names that only the marketplace itself may bear: its own, and those of the people who run it.

A name is compared by its skeleton, so look-alikes count: other scripts' letters, full-width, styled and
accented ones, digits for letters, spacing, invisible characters. Titles of services are free.
"""

import re
import unicodedata

from kit.errors import Invalid

PLATFORM = "microtask"  # wherever it stands in a name
ROLES = ("admin", "administrator", "administration", "help", "moderator", "moderation", "staff", "support",
         "system", "formermember")  # fmt: skip
AROUND_ROLES = ("account", "and", "center", "centre", "chat", "customer", "desk", "live", "of", "official",
                "our", "platform", "service", "site", "team", "the", "user", "verified")  # fmt: skip

# What looks like a letter, after compatibility decomposition and case folding (after UTS 39).
_LOOK_ALIKES = {
    "a": "аɑαᴀ4@ꭺᎪæ", "b": "вьʙ8", "c": "сϲᴄꮯᏟ¢", "d": "ԁɗđᴅժᎠð", "e": "еҽєεᴇᎬ℮əɘз3€", "f": "ƒғꜰϝքſ",
    "g": "ɡցɢ", "h": "һհʜнᎻ", "i": "іıɩιӏɪłᎥᏞاוןǀǃl1|!ⵏ", "k": "кκᴋƙқҟᏦ", "m": "мᴍɱμᎷ", "n": "ոռпηνɴиɲŋƞ",
    "o": "оοσօᴏ0өøɵס〇○●◯", "p": "рρᴘƿþᏢ", "r": "гʀɾᴦꭇяᎡᏒ", "s": "ѕʂꜱƨᏚ$5§", "t": "тτᴛŧƭᎢ7+†", "u": "υսᴜʊʋц",
    "v": "ѵᴠᏙ", "y": "уγʏүʎ",
}  # fmt: skip
_PLAIN = str.maketrans({like: letter for letter, likes in _LOOK_ALIKES.items() for like in likes})
_LETTERS_AS_SYMBOLS = (0x1F150, 0x1F170, 0x1F1E6)  # A in a disc, in a square, as a regional indicator
_NO_LETTER = re.compile("[^a-z]+")


def is_reserved(name: str) -> bool:
    """Whether a name could be taken for the marketplace's own or for one of its staff's."""
    bare = skeleton(name)
    return skeleton(PLATFORM) in bare or _OF_STAFF.fullmatch(bare) is not None


def refuse_reserved(display_name: str) -> None:
    """Raises: Invalid `reserved_name`."""
    if is_reserved(display_name):
        detail = "This name is the marketplace's own, or looks like it."
        raise Invalid.field("display_name", "reserved_name", detail)


def skeleton(name: str) -> str:
    """The letters a to z that a name looks like; names that look alike have the same."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_SYMBOLS)).casefold()
    plain = unicodedata.normalize("NFKD", decomposed).translate(_PLAIN)
    return _NO_LETTER.sub("", plain).replace("rn", "m")


_SYMBOLS = {first + number: chr(ord("a") + number) for first in _LETTERS_AS_SYMBOLS for number in range(26)}
_ROLE = "|".join(map(skeleton, ROLES))
_AROUND = "|".join(map(skeleton, AROUND_ROLES))
_OF_STAFF = re.compile(f"(?:{_AROUND})*(?:(?:{_ROLE})s?(?:{_AROUND})*)+")
