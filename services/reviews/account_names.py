"""What people are called now, as accounts tells."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from services.reviews.models import DISPLAY_NAMES


def keep_name(connection: Connection, event: dict[str, Any]) -> None:
    """Keeps the display name of an account event, unless a newer one is known."""
    offered = insert(DISPLAY_NAMES).values(
        account_id=event["account_id"],
        display_name=event["display_name"],
        account_version=event["account_version"],
    )
    new = offered.excluded
    connection.execute(
        offered.on_conflict_do_update(
            index_elements=["account_id"],
            set_={"display_name": new.display_name, "account_version": new.account_version},
            where=new.account_version > DISPLAY_NAMES.c.account_version,
        )
    )
