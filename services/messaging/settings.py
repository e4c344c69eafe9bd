"""Settings of messaging: how long notifications are stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kit.settings import Common, setting


@dataclass(frozen=True)
class MessagingSettings(Common):
    """The settings of the messaging service.

    Raises: BadSetting when read notifications would be stored for longer than unread ones.
    """

    read_notification_days: int = setting(
        180, "how long notifications are stored that were read", within=(1, 36_500)
    )
    notification_days: int = setting(
        400, "how long notifications are stored, read or not", within=(1, 36_500)
    )

    def problems(self) -> Iterator[str]:
        """Yields the problem of periods that contradict each other."""
        if self.read_notification_days > self.notification_days:
            yield "READ_NOTIFICATION_DAYS: is longer than NOTIFICATION_DAYS, which counts for all"

    @property
    def retention_of_read(self) -> timedelta:
        """Returns how long a notification is stored that was read."""
        return timedelta(days=self.read_notification_days)

    @property
    def retention(self) -> timedelta:
        """Returns how long any notification is stored."""
        return timedelta(days=self.notification_days)
