"""Which notifications a person wants, and where."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from services.messaging import queries
from services.messaging.models import PREFERENCES
from services.messaging.rendering import render_preferences


def change_preferences(
    connection: Connection, account_id: str, changes: Mapping[str, Mapping[str, bool]]
) -> dict[str, Any]:
    """Merges `{category: {channel: wanted}}` into the person's preferences and answers them all."""
    values = {
        f"{category}_{channel}": wanted
        for category, channels in changes.items()
        for channel, wanted in channels.items()
    }
    if not values:
        return render_preferences(connection.execute(queries.preferences_of(account_id)).first())
    merged = (
        insert(PREFERENCES)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
        .returning(PREFERENCES)
    )
    return render_preferences(connection.execute(merged).one())
