"""The one rule for text that people write."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from kit.text import (
    MAX_MARKS,
    BadText,
    accept_line,
    accept_search_text,
    accept_text,
    is_blank,
    isolated,
    printable,
    visible_length,
)
from kit.validation import line, secret, text

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
ANYTHING = st.text(
    st.one_of(st.characters(), st.sampled_from("\u0301\u0316\u202e\u200d\ufe0f\u2800\r\n\x1b"))
)
LANGUAGES = (
    "Ada Lovelace", "Žofie Ćirić", "Nguyễn Thị Hằng", "明 李", "葛\U000e0100城市", "さくら",
    "デザイン", "한국어 번역",
    "ภาษาไทย น้ำ", "हिन्दी क्\u200dष र\u094d\u200d", "മലയാളം ന്\u200d", "می\u200cخواهم", "שָׁלוֹם עוֹלָם", "مَرْحَبًا",
    "བོད་ཡིག ཧྐྵྨླྺྼྻྂ", "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3", FLAG, "🇩🇪", "C++/C#", "O\u2019Brien–Smith",
)  # fmt: skip
BLANK = (
    "", " ", "\u200b", "\u2060" * 5, "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\u00ad", "\u00a0\u3000",
    "\ufeff", "\u034f", "\u180e", "\u17b4", "\u0301", "\u200d\u200c", "\u2061\u2062", "\U0001d159", "\u1680",
)  # fmt: skip
NOWHERE = (
    "\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b", "\x7f", "\x80", "\x85", "\x9b", "\x9f", "\u202a",
    "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u206a", "\ufff9",
    "\ufdd0", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\ud800", "\udfff", "\U000e0001", "\U000e0041",
    "\U000e0fff",
)  # fmt: skip
IN_TEXTS_ONLY = (
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u2028",
    "\u2029",
    "\u200e",
    "\u200f",
    "\u061c",
    "\ue000",
    "\U0010fffd",
)


class Sample(Schema):
    title = line(5, 12)
    note = text(0, 12)
    password = secret(5, 12)


def refused(**fields: str) -> set[str]:
    try:
        Sample().load(fields)
    except ValidationError as error:
        return set(error.messages_dict)
    return set()


@pytest.mark.parametrize("written", LANGUAGES)
def test_names_and_texts_of_all_languages_are_accepted(written: str) -> None:
    assert accept_line(written) == accept_text(written) == unicodedata.normalize("NFC", written)
    assert not is_blank(written)


@pytest.mark.parametrize("character", NOWHERE)
def test_some_characters_are_refused_in_every_text(character: str) -> None:
    for accept in (accept_line, accept_text):
        with pytest.raises(BadText, match="Must not contain"):
            accept(f"a{character}b")


@pytest.mark.parametrize("character", IN_TEXTS_ONLY)
def test_line_breaks_and_direction_marks_are_refused_in_one_line(character: str) -> None:
    assert accept_text(f"a{character}b")
    with pytest.raises(BadText, match="Must not contain"):
        accept_line(f"a{character}b")


def test_a_refusal_names_the_character() -> None:
    with pytest.raises(BadText, match=r"direction of text \(U\+202E\)"):
        accept_text("abc\u202edef")


@pytest.mark.parametrize(
    "lone", ["\ufe0f", "a \ufe0f", "❤\ufe0f\ufe0f", "葛\U000e0100\U000e0101", "\u200d\ufe0e"]
)
def test_a_variation_selector_needs_a_character_to_vary(lone: str) -> None:
    with pytest.raises(BadText, match="variation selectors"):
        accept_text(lone)


@pytest.mark.parametrize("blank", BLANK)
def test_text_in_which_nothing_can_be_seen_is_blank(blank: str) -> None:
    assert is_blank(blank) and visible_length(blank) == 0
    assert refused(title=blank * 5) == {"title"}


def test_the_least_length_counts_what_can_be_seen() -> None:
    assert refused(title="ab\u2060\u2060\u2060") == {"title"}
    assert refused(title="a b c") == set()


def test_lengths_are_counted_after_normalising() -> None:
    assert Sample().load({"title": "e\u0301" * 12}) == {"title": "é" * 12}
    assert refused(title="é" * 13) == {"title"}
    assert refused(note="a\r\n" * 6) == set()
    assert Sample().load({"title": "\u1112\u1161\u11ab" * 12}) == {"title": "한" * 12}


def test_line_endings_are_one() -> None:
    assert accept_text("a\r\nb\rc\u2028d\u2029e\n") == "a\nb\nc\nd\ne\n"


def test_a_letter_carries_a_bounded_number_of_marks() -> None:
    assert accept_line("z" + "\u0323" * MAX_MARKS)
    for heap in ("z" + "\u0323" * (MAX_MARKS + 2), "z" + "\u0323\u034f" * MAX_MARKS,
                 "z" + ("\u0323" * 5 + "\u200b") * 3, "ก" + "\u0e34" * 9, "o" + "\u20dd" * 9):  # fmt: skip
        with pytest.raises(BadText, match="combining marks"):
            accept_line(heap)


def test_a_secret_is_taken_as_typed() -> None:
    typed = "e\u0301\u202e\t\u200bx"
    assert Sample().load({"password": typed}) == {"password": typed}
    assert refused(password="     ") == refused(password="abcde\x00") == {"password"}


@given(ANYTHING)
def test_what_is_accepted_is_accepted_again_unchanged(typed: str) -> None:
    for accept in (accept_line, accept_text):
        try:
            stored = accept(typed)
        except BadText:
            continue
        assert accept(stored) == stored == unicodedata.normalize("NFC", stored)


@given(ANYTHING)
def test_an_accepted_line_has_no_control_direction_or_line_break(typed: str) -> None:
    try:
        stored = accept_line(typed)
    except BadText:
        return
    assert len(stored.splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp") for character in stored)
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not directions & {unicodedata.bidirectional(character) for character in stored}


@given(ANYTHING)
def test_what_is_stored_keeps_its_bounds(typed: str) -> None:
    try:
        loaded = Sample().load({"title": typed, "note": typed})
    except ValidationError:
        return
    assert 5 <= visible_length(loaded["title"]) <= len(loaded["title"]) <= 12 >= len(loaded["note"])


@pytest.mark.parametrize(
    "unit",
    [
        "\u0301\u0316",
        "\U0001d165\U0001d16d",
        "a\u0301",
        "\u034f",
        "\r\n",
        "한",
        "\ufb2c",
        "\u202e",
        "🏴\U000e0067",
    ],
)
def test_the_longest_text_of_a_request_takes_no_time(unit: str) -> None:
    longest = unit * (65_536 // len(unit))
    began = time.process_time()
    for handle in (accept_line, accept_text):
        try:
            handle(longest)
        except BadText:
            continue
    for show in (accept_search_text, printable, isolated, is_blank, visible_length):
        show(longest)
    assert time.process_time() - began < 0.5


def test_words_to_search_for_may_be_anything() -> None:
    assert accept_search_text("e\u0301\x01x\u202ey\n") == "é x y "
    assert len(accept_search_text("z" + "\u0323\u0301" * 1000)) < 40


@given(ANYTHING)
def test_words_are_normalised_once(typed: str) -> None:
    assert accept_search_text(accept_search_text(typed)) == accept_search_text(typed)


def test_a_name_in_a_sentence_keeps_its_direction_to_itself() -> None:
    assert isolated("Anna") == "Anna"
    assert isolated("אנה") == "\u2068אנה\u2069"
    assert isolated("\u202egro.elpmaxe") == "gro.elpmaxe"
    assert isolated("א\u2069\u202e") == "\u2068א\u2069"


@pytest.mark.parametrize(
    ("obeyed", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]8;;https://evil\x07click\x1b]8;;\x07", r"\x1b]8;;https://evil\x07click\x1b]8;;\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\x08", r"a\rb\x08"),
        ("\u202eabc\u2069\u200f", r"\u202eabc\u2069\u200f"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_terminals_are_shown_escapes_and_obey_none(obeyed: str, shown: str) -> None:
    assert printable(obeyed) == printable(obeyed, lines=True) == shown


def test_only_texts_of_several_lines_keep_their_line_breaks() -> None:
    assert printable("a\n\tb") == r"a\n\tb"
    assert printable("a\n\tb", lines=True) == "a\n\tb"
    assert printable("Zoë 明 👩\u200d👧") == "Zoë 明 👩\u200d👧"
