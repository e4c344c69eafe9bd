"""A person marks notifications as read or unread."""

from sqlalchemy import Connection, func, null, update

from kit.errors import NotFound
from kit.validation import is_id
from services.messaging.models import NOTIFICATIONS
from services.messaging.rendering import render_notification
from services.messaging.types import Notification

_COLUMNS = NOTIFICATIONS.c


def mark_notification(
    connection: Connection, account_id: str, notification_id: str, read: bool
) -> Notification:
    """Marks one of the account's notifications read (the first time counts) or unread again.

    Raises: NotFound, also for another person's.
    """
    if not is_id(notification_id):
        raise NotFound("There is no such notification.")
    read_at = func.coalesce(_COLUMNS.read_at, func.now()) if read else null()
    marked = connection.execute(
        update(NOTIFICATIONS)
        .where(_COLUMNS.id == notification_id, _COLUMNS.recipient_id == account_id)
        .values(read_at=read_at)
        .returning(NOTIFICATIONS)
    ).first()
    if marked is None:
        raise NotFound("There is no such notification.")
    return render_notification(marked)


def mark_all_read(connection: Connection, account_id: str, order_id: str | None) -> None:
    """Marks the account's present notifications read, all or those about an order; later ones stay unread."""
    marking = update(NOTIFICATIONS).where(_COLUMNS.recipient_id == account_id, _COLUMNS.read_at.is_(None))
    if order_id is not None:
        marking = marking.where(_COLUMNS.order_id == order_id)
    connection.execute(marking.values(read_at=func.now()))
