from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.reviews.ratings import RatingChange, average, edited, submitted

STARS = st.integers(1, 5)


def test_a_rating_without_reviews_has_no_average() -> None:
    assert average(0, 0) is None


def test_an_average_has_two_decimals() -> None:
    assert average(14, 3) == 4.67
    assert average(10, 3) == 3.33
    assert average(5, 1) == 5.0


def test_a_hidden_review_is_edited_without_effect() -> None:
    assert not edited(1, 5, hidden=True)


def test_an_edit_of_the_text_alone_is_no_change_of_the_rating() -> None:
    assert not edited(4, 4, hidden=False)


@given(st.lists(st.lists(STARS, min_size=1, max_size=4), max_size=30))
def test_sums_of_changes_equal_the_sum_of_the_reviews_as_they_are_now(histories: list[list[int]]) -> None:
    changes: list[RatingChange] = []
    for history in histories:
        changes.append(submitted(history[0]))
        changes += [edited(old, new, hidden=False) for old, new in pairwise(history)]
    assert sum(change.stars for change in changes) == sum(history[-1] for history in histories)
    assert sum(change.count for change in changes) == len(histories)


@given(st.lists(STARS, min_size=1, max_size=200))
def test_an_average_lies_among_the_stars_and_within_half_a_hundredth_of_the_truth(stars: list[int]) -> None:
    mean = average(sum(stars), len(stars))
    assert mean is not None
    assert min(stars) <= mean <= max(stars)
    assert abs(mean - sum(stars) / len(stars)) <= 0.005 + 1e-9
    assert mean == round(mean, 2)
