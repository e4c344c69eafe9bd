import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.text_analysis.query_terms import MOST_TERMS, query_terms
from services.catalog.text_analysis.terms import document_terms, name_terms
from tests.support.service_harness import Harness

DESCRIPTION = "With patience, in an hour."
STORED = "SELECT CAST(:document AS tsvector) @@ CAST(:query AS tsquery)"


def terms_of(title: str) -> set[str]:
    """The terms that a title is stored with."""
    stored = document_terms(title, "", "", DESCRIPTION).title_terms
    return {term.replace("''", "'") for term in re.findall(r"'((?:[^']|'')*)':", stored)}


@pytest.mark.parametrize(
    ("title", "stored", "not_stored"),
    [
        ("C++", {"c++", "~c", "~cpp"}, {"c"}),
        ("ASP.NET", {"asp.net", "asp", "net", "~.net", "~aspnet"}, {".net"}),
        ("Müller", {"muller", "~mueller"}, {"mueller"}),
        ("e-mails", {"e-mails", "e", "mails", "~emails", "eng~email"}, {"emails"}),
        ("设计 品牌", {"设计", "计", "计品", "品牌", "牌"}, {"设"}),
        ("logos", {"logos", "eng~logo"}, {"logo", "spa~log"}),
    ],
)
def test_a_title_is_stored_as_its_words_and_their_forms(
    title: str, stored: set[str], not_stored: set[str]
) -> None:
    assert stored <= terms_of(title)
    assert not not_stored & terms_of(title)


def test_a_field_weighs_and_stands_apart() -> None:
    stored = document_terms("one", "two", "three", "four").terms
    assert re.findall(r"'(\w+)':(\d+)([A-D])", stored) == [
        *(("one", "1", "A"), ("two", "12", "B"), ("three", "23", "C"), ("four", "34", "D"))
    ]
    assert name_terms("Zoë").terms == "'zoe':1B"


@pytest.mark.parametrize("typed", ["", "!!!", "– …", "\u202e", "😀"])
def test_without_words_there_is_nothing_to_look_up(typed: str) -> None:
    assert query_terms(typed) is None


def test_a_query_finds_without_its_function_words_unless_it_has_no_other() -> None:
    with_others, alone = query_terms("the logo for my shop"), query_terms("the")
    assert with_others is not None
    assert alone is not None
    assert "'the'" not in with_others.all_forms
    assert "'the'" in with_others.any_typed
    assert "'the'" in alone.all_forms


@pytest.mark.parametrize(
    "typed",
    [
        " ".join(f"{a}{b}{a}" for a in "abcdefghij" for b in "klmno"),
        "a/b/c " * 33,
        "设计标志" * 50,
        "é" * 200,
    ],
)
def test_a_query_is_bounded_whatever_was_typed(typed: str) -> None:
    terms = query_terms(typed[:200])
    assert terms is not None
    assert terms.all_forms.count(" & ") < MOST_TERMS
    assert len(terms.all_forms) < 15_000
    assert len(terms.misspelled) <= 80


def test_too_few_letters_are_no_typing_error() -> None:
    terms = query_terms("c++")
    assert terms is not None
    assert terms.misspelled == ""


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=200) | st.text("'\\:*&|!()<-> ,.+#~aäß设ก\u0301\u200d", max_size=60))
def test_a_text_finds_itself_whatever_is_in_it(migrated_catalog: Harness, text: str) -> None:
    terms = query_terms(text)
    if terms is not None:
        document = document_terms(text, "", "", text).terms
        for query in (terms.all_forms, terms.any_form, terms.any_typed):
            assert migrated_catalog.execute(STORED, document=document, query=query) == [(True,)]
        migrated_catalog.execute(STORED, document=document, query=terms.all_typed)
