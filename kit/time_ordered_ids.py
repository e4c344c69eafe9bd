"""UUIDv7: ids whose first 48 bits are the millisecond of their creation, so that they sort by time."""

from datetime import datetime
from uuid import UUID

_TIME_SHIFT = 80
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)


def first_id_at(moment: datetime) -> str:
    """Returns the smallest id that can be made at a moment: what is older sorts before it."""
    milliseconds = int(moment.timestamp() * 1000)
    return str(UUID(int=(milliseconds << _TIME_SHIFT) | _VERSION_AND_VARIANT))
