"""Reads of messaging: one statement each, pages by keyset.

Who may see a thread is decided here: its two parties, and staff.
"""

from typing import NamedTuple

from sqlalchemy import Connection, func, literal, select, text, tuple_
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import TIMESTAMP

from chassis.runtime.audit import log_staff_read
from kit.paging import ByTime, Page, RowNumber, decode_cursor, page_of
from kit.security.tokens import Caller
from services.messaging.access import refused_reading
from services.messaging.models import NOTIFICATIONS, PREFERENCES
from services.messaging.rendering import (
    render_message,
    render_notification,
    render_preferences,
    render_thread,
)
from services.messaging.types import Message, Notification, Preferences, Thread

FIRST_TIME, FIRST_ID = "infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"
FIRST_POSITION = 2**31 - 1


class ByPosition(NamedTuple):
    """The position in a thread's list of messages."""

    position: RowNumber


# The thread's row comes even without messages: then the list is empty; no row means "not found".
# Positions are gapless, so a page is a range of them and costs the same however long the thread is.
MESSAGES_OF_THREAD = text("""
    SELECT thread.order_id, thread.customer_id, thread.provider_id,
           message.id, message.position, message.body, message.created_at, message.read_at, message.author_id,
           CASE message.author_id WHEN thread.customer_id THEN customer.display_name
                                  ELSE provider.display_name END AS author_name
    FROM threads AS thread
    JOIN people AS customer ON customer.account_id = thread.customer_id
    JOIN people AS provider ON provider.account_id = thread.provider_id
    LEFT JOIN messages AS message
           ON message.order_id = :order_id
          AND message.position < least(:before, thread.message_count + 1)
          AND message.position >= least(:before, thread.message_count + 1) - :limit
    WHERE thread.order_id = :order_id
      AND (:is_staff OR :account_id IN (thread.customer_id, thread.provider_id))
    ORDER BY message.position DESC
""")

# One index per role, each read only as far as the page goes.
INBOX = text("""
    SELECT thread.*, other.display_name AS other_name,
           message.id, message.body, message.created_at, message.read_at, message.author_id,
           author.display_name AS author_name
    FROM (
        (SELECT order_id, order_number, order_status, service_id, service_title, message_count,
                updated_at, provider_id AS other_id, customer_unread AS unread_count
         FROM threads
         WHERE customer_id = :account_id
           AND (updated_at, order_id) < (CAST(:time AS timestamptz), CAST(:order_id AS uuid))
         ORDER BY updated_at DESC, order_id DESC LIMIT :limit)
        UNION ALL
        (SELECT order_id, order_number, order_status, service_id, service_title, message_count,
                updated_at, customer_id, provider_unread
         FROM threads
         WHERE provider_id = :account_id
           AND (updated_at, order_id) < (CAST(:time AS timestamptz), CAST(:order_id AS uuid))
         ORDER BY updated_at DESC, order_id DESC LIMIT :limit)
        ORDER BY updated_at DESC, order_id DESC LIMIT :limit
    ) AS thread
    JOIN people AS other ON other.account_id = thread.other_id
    LEFT JOIN messages AS message
           ON message.order_id = thread.order_id AND message.position = thread.message_count
    LEFT JOIN people AS author ON author.account_id = message.author_id
    ORDER BY thread.updated_at DESC, thread.order_id DESC
""")


def list_messages(
    connection: Connection, caller: Caller, order_id: str, limit: int, cursor: str | None
) -> Page[Message]:
    """Returns a page of a thread's messages, newest first, to its parties and staff.

    Raises: OrderUnknown, or NotFound when the caller may not see the thread; BadQuery.
    """
    filters = {"list": "messages", "order_id": order_id}
    before = decode_cursor(cursor, filters, ByPosition)
    arguments = {
        "order_id": order_id,
        "account_id": caller.id,
        "is_staff": caller.is_staff,
        "before": FIRST_POSITION if before is None else before.position,
        "limit": limit + 1,
    }
    rows = connection.execute(MESSAGES_OF_THREAD, arguments).all()
    if not rows:
        raise refused_reading(connection, caller, order_id)
    log_staff_read(caller, "messages", order_id, (str(rows[0].customer_id), str(rows[0].provider_id)))
    messages = [row for row in rows if row.id is not None]
    return page_of(messages, limit, filters, lambda row: ByPosition(row.position), render_message)


def list_threads(connection: Connection, account_id: str, limit: int, cursor: str | None) -> Page[Thread]:
    """Returns a page of the account's inbox, newest activity first. Raises: BadQuery."""
    filters = {"list": "threads", "account_id": account_id}
    after = decode_cursor(cursor, filters, ByTime)
    time, order_id = after or (FIRST_TIME, FIRST_ID)
    arguments = {"account_id": account_id, "time": time, "order_id": order_id, "limit": limit + 1}
    rows = connection.execute(INBOX, arguments).all()
    return page_of(rows, limit, filters, lambda row: ByTime(row.updated_at, str(row.order_id)), render_thread)


def list_notifications(
    connection: Connection, account_id: str, unread: bool | None, limit: int, cursor: str | None
) -> Page[Notification]:
    """Returns a page of the account's notifications, newest first: all, the unread or the read.

    Raises: BadQuery.
    """
    filters = {"list": "notifications", "account_id": account_id, "unread": unread}
    after = decode_cursor(cursor, filters, ByTime)
    columns = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(columns.recipient_id == account_id)
    if unread is not None:
        query = query.where(columns.read_at.is_(None) if unread else columns.read_at.is_not(None))
    if after is not None:
        time = literal(after.time, TIMESTAMP(timezone=True))
        position = tuple_(time, literal(after.id, UuidType(as_uuid=False)))
        query = query.where(tuple_(columns.created_at, columns.id) < position)
    newest_first = query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit + 1)
    rows = connection.execute(newest_first).all()
    return page_of(rows, limit, filters, lambda row: ByTime(row.created_at, row.id), render_notification)


def count_unread(connection: Connection, account_id: str) -> int:
    """Returns how many notifications the account has not read."""
    columns = NOTIFICATIONS.c
    query = select(func.count()).where(columns.recipient_id == account_id, columns.read_at.is_(None))
    return connection.execute(query).scalar_one()


def get_preferences(connection: Connection, account_id: str) -> Preferences:
    """Returns the account's preferences; the defaults while nothing is stored."""
    query = select(PREFERENCES).where(PREFERENCES.c.account_id == account_id)
    return render_preferences(connection.execute(query).first())
