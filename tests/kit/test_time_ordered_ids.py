"""Ids sort by time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid6

from kit.time_ordered_ids import first_id_at


def test_an_id_lies_between_the_first_ids_of_its_time() -> None:
    before = datetime.now(UTC)
    made = str(uuid6.uuid7())
    moment = uuid6.UUID(made).time
    now = datetime.fromtimestamp(moment / 1000, UTC)
    assert first_id_at(now) <= made < first_id_at(now + timedelta(milliseconds=1))
    assert first_id_at(before - timedelta(days=1)) < made < first_id_at(before + timedelta(days=1))


def test_it_is_an_id_of_version_7() -> None:
    made = UUID(first_id_at(datetime(2027, 1, 1, tzinfo=UTC)))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
