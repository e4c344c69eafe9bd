"""Ratings: sums and averages of reviews. Whole stars are summed, so that rounding errors never add up."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.reviews.types import ServiceRating, StarCounts


@dataclass(frozen=True)
class RatingChange:
    """A change of the rating of a provider and of a service: by how many stars and reviews."""

    stars: int
    count: int

    def __bool__(self) -> bool:
        return self.stars != 0 or self.count != 0


def submitted(rating: int) -> RatingChange:
    """Returns the change by a new review."""
    return RatingChange(stars=rating, count=1)


def edited(old_rating: int, new_rating: int, hidden: bool) -> RatingChange:
    """Returns the change by an edit: the difference in stars; none for a hidden review."""
    return RatingChange(stars=0 if hidden else new_rating - old_rating, count=0)


def average(stars_total: int, count: int) -> float | None:
    """Returns stars per review, rounded to two decimals; None while there is no review."""
    return round(stars_total / count, 2) if count else None


def star_counts(counts: Mapping[int, int]) -> ServiceRating:
    """Returns how many reviews gave each number of stars, with their number and average."""
    count = sum(counts.values())
    total = sum(stars * given for stars, given in counts.items())
    stars: StarCounts = {
        "1": counts.get(1, 0),
        "2": counts.get(2, 0),
        "3": counts.get(3, 0),
        "4": counts.get(4, 0),
        "5": counts.get(5, 0),
    }
    return {"average": average(total, count), "count": count, "stars": stars}
