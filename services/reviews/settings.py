"""Settings of reviews: until when they may be submitted and edited."""

from dataclasses import dataclass
from datetime import timedelta

from kit.settings import Common, setting


@dataclass(frozen=True)
class ReviewPeriods(Common):
    """The settings of the reviews service."""

    review_window_days: int = setting(
        60, "days after completion in which a review may be submitted", within=(0, 36_500)
    )
    review_edit_hours: int = setting(24, "hours in which its author may edit a review", within=(0, 876_000))

    @property
    def submission(self) -> timedelta:
        """Returns how long after its completion an order may be reviewed."""
        return timedelta(days=self.review_window_days)

    @property
    def editing(self) -> timedelta:
        """Returns how long after its submission a review may be edited."""
        return timedelta(hours=self.review_edit_hours)
