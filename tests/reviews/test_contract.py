from typing import Any

import pytest
from marshmallow import ValidationError

from kit.errors import field_errors
from services.reviews import contract


def fields_of(refused: ValidationError) -> set[str]:
    return {error["field"] for error in field_errors(refused.messages)}


@pytest.mark.parametrize("rating", [True, False, None, "5", 4.0, 4.5, 0, 6, -1, [], {}])
def test_a_rating_is_one_to_five_whole_stars(rating: Any) -> None:
    for body in (contract.SubmitReviewBody, contract.ChangeReviewBody):
        with pytest.raises(ValidationError) as refused:
            body().load({"rating": rating})
        assert fields_of(refused.value) == {"rating"}


@pytest.mark.parametrize("rating", [1, 2, 3, 4, 5])
def test_every_number_of_stars_is_taken(rating: int) -> None:
    assert contract.SubmitReviewBody().load({"rating": rating}) == {"rating": rating, "text": None}


@pytest.mark.parametrize("text", ["", "x" * 2000, "\U0001f600" * 2000, None])
def test_a_text_of_at_most_two_thousand_characters_is_kept_as_typed(text: str | None) -> None:
    assert contract.SubmitReviewBody().load({"rating": 5, "text": text})["text"] == text


@pytest.mark.parametrize("text", ["x" * 2001, "a\x00b", "\ud800", 5, ["a"]])
def test_another_text_is_refused(text: Any) -> None:
    for body in (contract.SubmitReviewBody, contract.ChangeReviewBody):
        with pytest.raises(ValidationError) as refused:
            body().load({"rating": 5, "text": text})
        assert fields_of(refused.value) == {"text"}


@pytest.mark.parametrize("text", [None, "", "  \n ", "x" * 2001])
def test_a_reply_is_never_empty_nor_longer(text: Any) -> None:
    with pytest.raises(ValidationError):
        contract.ReplyToReviewBody().load({"text": text})


def test_an_edit_tells_absent_from_null() -> None:
    assert contract.ChangeReviewBody().load({}) == {}
    assert contract.ChangeReviewBody().load({"text": None}) == {"text": None}


@pytest.mark.parametrize(
    "body", [contract.SubmitReviewBody, contract.ChangeReviewBody, contract.ReplyToReviewBody]
)
def test_unknown_fields_are_refused(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        body().load({"rating": 5, "text": "x", "author": "me"})
    assert "author" in fields_of(refused.value)
