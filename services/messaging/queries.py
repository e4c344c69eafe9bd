"""What messaging reads: one statement each, pages by keyset.

Who may see a thread is decided here: its two parties, and staff.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select, text, tuple_
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import TIMESTAMP

from chassis.runtime.audit import log_staff_read
from kit.tokens import Caller
from services.messaging.access import refused_reading
from services.messaging.models import NOTIFICATIONS, PREFERENCES

FIRST_MOMENT, FIRST_ID = "infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"
FIRST_POSITION = 2**31 - 1

# The thread's row comes even without messages: an empty list is an answer, no row is "not found".
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
           AND (updated_at, order_id) < (CAST(:moment AS timestamptz), CAST(:order_id AS uuid))
         ORDER BY updated_at DESC, order_id DESC LIMIT :limit)
        UNION ALL
        (SELECT order_id, order_number, order_status, service_id, service_title, message_count,
                updated_at, customer_id, provider_unread
         FROM threads
         WHERE provider_id = :account_id
           AND (updated_at, order_id) < (CAST(:moment AS timestamptz), CAST(:order_id AS uuid))
         ORDER BY updated_at DESC, order_id DESC LIMIT :limit)
        ORDER BY updated_at DESC, order_id DESC LIMIT :limit
    ) AS thread
    JOIN people AS other ON other.account_id = thread.other_id
    LEFT JOIN messages AS message
           ON message.order_id = thread.order_id AND message.position = thread.message_count
    LEFT JOIN people AS author ON author.account_id = message.author_id
    ORDER BY thread.updated_at DESC, thread.order_id DESC
""")


def messages_of_thread(
    connection: Connection, order_id: str, caller: Caller, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit` messages older than position `before`, newest first.

    Raises: OrderUnknown, or NotFound when the caller may not see the thread.
    """
    arguments = {
        "order_id": order_id,
        "account_id": caller.id,
        "is_staff": caller.is_staff,
        "before": FIRST_POSITION if before is None else before,
        "limit": limit,
    }
    rows = connection.execute(MESSAGES_OF_THREAD, arguments).all()
    if not rows:
        raise refused_reading(connection, caller, order_id)
    log_staff_read(caller, "messages", order_id, (str(rows[0].customer_id), str(rows[0].provider_id)))
    return [row for row in rows if row.id is not None]


def inbox(
    connection: Connection, account_id: str, after: Sequence[str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit` threads of a person after (`updated_at`, order id), newest activity first."""
    moment, order_id = after or (FIRST_MOMENT, FIRST_ID)
    arguments = {"account_id": account_id, "moment": moment, "order_id": order_id, "limit": limit}
    return connection.execute(INBOX, arguments).all()


def notifications_page(
    account_id: str, unread: bool | None, after: Sequence[str] | None, limit: int
) -> Select[Any]:
    """A person's notifications after (`created_at`, id), newest first: all, the unread or the read."""
    own = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(own.recipient_id == account_id)
    if unread is not None:
        query = query.where(own.read_at.is_(None) if unread else own.read_at.is_not(None))
    if after is not None:
        position = tuple_(
            literal(after[0], TIMESTAMP(timezone=True)), literal(after[1], UuidType(as_uuid=False))
        )
        query = query.where(tuple_(own.created_at, own.id) < position)
    return query.order_by(own.created_at.desc(), own.id.desc()).limit(limit)


def unread_notifications(account_id: str) -> Select[int]:
    """How many notifications a person has not read."""
    own = NOTIFICATIONS.c
    return select(func.count()).where(own.recipient_id == account_id, own.read_at.is_(None))


def preferences_of(account_id: str) -> Select[Any]:
    """A person's stored preferences; no row means the defaults."""
    return select(PREFERENCES).where(PREFERENCES.c.account_id == account_id)
