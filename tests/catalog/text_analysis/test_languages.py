import pytest

from services.catalog.text_analysis.languages import LATIN_LANGUAGES, is_function_word, shown_languages, stems


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ich mache die karte fur das haus und die tur mit dem schild", "german"),
        ("je fais le cadre pour votre tableau avec une vitre dans les couleurs", "french"),
        ("hago la pagina para tu negocio con una tienda y los textos", "spanish"),
        ("robie zdjecia na weselu i oddaje album po dwoch tygodniach oraz film dla gosci", "polish"),
        ("kitap icin ceviri ve duzelti bir hafta", "turkish"),
    ],
)
def test_function_words_show_a_language(text: str, language: str) -> None:
    assert language in shown_languages(text.split())


def test_without_evidence_a_text_is_english() -> None:
    assert shown_languages(["logo", "design"]) == ("english",)


def test_a_text_is_in_english_and_two_more_languages_at_most() -> None:
    assert (
        len(
            shown_languages(
                [
                    "de",
                    "la",
                    "el",
                    "en",
                    "y",
                    "o",
                    "das",
                    "der",
                    "mit",
                    "van",
                    "het",
                    "een",
                    "och",
                    "att",
                    "det",
                    "da",
                    "do",
                    "dos",
                ]
            )
        )
        <= 3
    )


def test_a_word_has_the_stems_of_the_languages_it_may_be_in() -> None:
    assert stems("logos", ("english",)) == stems("logo", ("english",)) == (("eng", "logo"),)
    assert stems("ubersetzungen", ("german",)) == stems("ubersetzung", ("german",))
    assert len(dict(stems("design"))) == len(LATIN_LANGUAGES)  # no two share a name
    assert [language for language, _ in stems("договоров")] == ["rus"]
    assert stems("c") == stems("3d") == stems("node.js") == ()


@pytest.mark.parametrize("word", ["the", "fur", "на", "και"])
def test_function_words_may_be_left_out(word: str) -> None:
    assert is_function_word(word)


@pytest.mark.parametrize("word", ["it", "c", "r", "ar", "os", "logo", "die", "hat", "art", "van"])
def test_words_that_mean_something_elsewhere_are_never_left_out(word: str) -> None:
    assert not is_function_word(word)
