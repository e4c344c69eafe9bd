"""Ratings: how reviews add up. Pure arithmetic on whole stars, so that no rounding ever adds up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RatingChange:
    """What happens to the rating of a provider and of a service: stars and reviews more or fewer."""

    stars: int
    count: int

    def __bool__(self) -> bool:
        return self.stars != 0 or self.count != 0


def submitted(rating: int) -> RatingChange:
    """A new review counts."""
    return RatingChange(stars=rating, count=1)


def edited(old_rating: int, new_rating: int, hidden: bool) -> RatingChange:
    """An edited review counts with its new stars; a hidden one counts in no rating anyway."""
    return RatingChange(stars=0 if hidden else new_rating - old_rating, count=0)


def average(stars_total: int, count: int) -> float | None:
    """Stars per review, rounded to two decimals; None while there is no review."""
    return round(stars_total / count, 2) if count else None


def star_counts(counts: Mapping[int, int]) -> dict[str, Any]:
    """How many reviews gave each number of stars, with their number and average."""
    count = sum(counts.values())
    total = sum(stars * given for stars, given in counts.items())
    stars = {str(stars): counts.get(stars, 0) for stars in range(1, 6)}
    return {"average": average(total, count), "count": count, "stars": stars}
