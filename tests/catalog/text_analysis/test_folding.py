import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.text_analysis.folding import LONGEST_FOLDED, expand_umlauts, fold, transliterate

SAME = (
    *(
        ("Café", "cafe"),
        ("CAFE\u0301", "cafe"),
        ("Straße", "STRASSE"),
        ("ẞ", "ss"),
        ("Ærø", "aero"),
        ("Œuvre", "oeuvre"),
    ),
    *(
        ("Łódź", "lodz"),
        ("ısı", "ISI"),
        ("İstanbul", "istanbul"),
        ("IŞIK", "ışık"),
        ("Đặng", "dang"),
        ("ưở", "uo"),
    ),
    *(
        ("ﬁne", "fine"),
        ("Ｃ＋＋", "c++"),
        ("C♯", "C#"),
        ("ｶﾞﾛｺﾞ", "ガロゴ"),
        ("①", "1"),
        ("٣", "3"),
        ("e‑mail", "e-mail"),
    ),
    *(("don’t", "don't"), ("so\u00adft", "soft"), ("zero\u200bwidth", "zerowidth"), ("Logo™", "logo ")),
    *(
        ("ёлка", "ЕЛКА"),
        ("Νόμος", "ΝΟΜΟΣ"),
        ("أحمد", "احمد"),
        ("مكتبة", "مكتبه"),
        ("كِتَاب", "كتاب"),
        ("کتاب", "كتاب"),
    ),
    *(("שָׁלוֹם", "שלום"), ("क़लम", "कलम"), ("한글", unicodedata.normalize("NFD", "한글"))),
)
DIFFERENT = (("мой", "мои"), ("ガ", "カ"), ("แมว", "แมวๆ"), ("C+", "C"), ("की", "के"), ("ю", "у"))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_means_the_same_letters_is_the_same_text(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_letters_stay_other_letters(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing_more_and_knows_no_normal_form(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_umlauts_may_be_written_as_two_letters() -> None:
    assert expand_umlauts("MÜLLER Blåbær Ørsted") == "mueller blaabær oersted"


@pytest.mark.parametrize(
    ("folded", "transliterated"), [("c++ and c#", "c and c"), ("дизайн", "dizayn"), ("!!!", ""), ("א׳", "")]
)
def test_transliteration_is_plain_letters_and_spaces(folded: str, transliterated: str) -> None:
    assert transliterate(folded) == transliterated


def test_each_character_of_a_script_without_spaces_is_a_word_like_no_other() -> None:
    words = transliterate("设计logo设").split()
    assert words[0] == words[3] != words[1]
    assert words[2] == "logo"


def test_the_largest_texts_stay_bounded() -> None:
    assert len(fold("\ufdfa" * 5000)) <= LONGEST_FOLDED
