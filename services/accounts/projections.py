"""What other services' facts say about a person as a provider, kept for their profile."""

from typing import Any

from sqlalchemy import Connection, Row

from kit.validation import is_id
from services.accounts import statements as queries
from services.accounts.commands import sign_up as registry
from services.orders.contract import Status

Json = dict[str, Any]


def find(connection: Connection, account_id: str) -> Row[Any]:
    """A person with what they earned as a provider.

    Raises: NotFound.
    """
    row = connection.execute(queries.profile(account_id)).first() if is_id(account_id) else None
    if row is None:
        raise registry.no_account()
    return row


def count_completed_order(connection: Connection, event: Json) -> None:
    """Counts an order for its provider when it reaches status 4; once, whatever arrives again or late."""
    if event["to_status"] == Status.COMPLETED:
        connection.execute(
            queries.COUNT_COMPLETED,
            {
                "order_id": event["order_id"],
                "provider_id": event["provider"]["id"],
                "completed_at": event["completed_at"] or event["occurred_at"],
            },
        )


def apply_rating(connection: Connection, event: Json) -> None:
    """Takes over a provider's rating, unless a newer one is known already."""
    if event["subject"] == "provider":
        names = ("subject_id", "count", "average", "rating_version")
        connection.execute(queries.APPLY_RATING, {name: event[name] for name in names})
