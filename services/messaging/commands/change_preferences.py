"""A person chooses which notifications they want, and where."""

from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from services.messaging.models import PREFERENCES
from services.messaging.queries import get_preferences
from services.messaging.rendering import render_preferences
from services.messaging.types import Preferences

ChannelChanges = Mapping[str, bool]


def change_preferences(
    connection: Connection, account_id: str, changes: Mapping[str, ChannelChanges | None]
) -> Preferences:
    """Merges `{category: {channel: wanted}}` into the account's preferences and returns them all."""
    values = {
        f"{category}_{channel}": wanted
        for category, channels in changes.items()
        for channel, wanted in (channels or {}).items()
    }
    if not values:
        return get_preferences(connection, account_id)
    merged = (
        insert(PREFERENCES)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
        .returning(PREFERENCES)
    )
    return render_preferences(connection.execute(merged).one())
