import pytest

from services.catalog.text_analysis.tokens import LONGEST_WORD, Run, Word, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("help with c++, c# and c", ["help", "with", "c++", "c#", "and", "c"]),
        ("c++20 1+1 google+ c", ["c++", "20", "1", "1", "google+", "c"]),
        ("(.net) end. net", [".net", "end", "net"]),
        ("...net", ["net"]),
        ("a–b “logo” x…y", ["a", "b", "logo", "x", "y"]),
        ("'quoted' -dash- /path/", ["quoted", "dash", "path"]),
        ("logo设计 3d建模", ["logo", "设计", "3d", "建模"]),
        ("हिन्दी अनुवाद", ["हिन्दी", "अनुवाद"]),
        ("ภาษาอังกฤษ ok", ["ภาษาอังกฤษ", "ok"]),
        ("プロのロゴ、作成。", ["プロのロゴ", "作成"]),
        ("+ # . & / ' -", []),
    ],
)
def test_words_have_the_signs_that_belong_to_them(text: str, expected: list[str]) -> None:
    assert [token.text for token in tokens(text)] == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("node.js", ("node", "js")),
        ("a/b", ("a", "b")),
        ("at&t", ("at", "t")),
        ("o'brien", ("o", "brien")),
        ("c#/.net", ("c#", ".net")),
        ("צה״ל", ("צה", "ל")),
    ],
)
def test_signs_join_words_into_one(text: str, parts: tuple[str, ...]) -> None:
    [word] = tokens(text)
    assert isinstance(word, Word)
    assert (word.text, word.parts) == (text, parts)


def test_an_address_is_a_row_of_words() -> None:
    assert [token.text for token in tokens("www.a.b.example.com")] == ["www", "a", "b", "example", "com"]


def test_every_part_and_every_character_has_a_place() -> None:
    assert [token.position for token in tokens("one node.js 设计 end")] == [1, 2, 4, 6]


def test_a_run_knows_what_follows_behind_a_space_only() -> None:
    runs = [token for token in tokens("로고 디자인, 번역 ok 끝") if isinstance(token, Run)]
    assert [run.following for run in runs] == ["디", "", "", ""]


def test_no_word_is_longer_than_a_database_takes() -> None:
    assert all(len(part) <= LONGEST_WORD for token in tokens("x" * 5000) for part in token.parts)  # type: ignore[union-attr]
