"""What changes a thread: a new message, a read mark.

Everything about one thread happens under its row's lock, so messages have one order and the
unread counts are exact however many people write at once.
"""

from typing import Any

import uuid6
from sqlalchemy import Connection, Row, text

from chassis.storage import outbox
from kit.errors import Invalid
from kit.tokens import Caller
from services.messaging import contract
from services.messaging.access import refused_writing
from services.messaging.commands.notify import deliver
from services.messaging.notifications import notification_of_message
from services.messaging.rendering import render_message

# The thread's lock is taken first and gives out the position; time never runs backwards in a thread.
POST_MESSAGE = text("""
    WITH thread AS (
        UPDATE threads
        SET message_count = message_count + 1,
            customer_unread = customer_unread + CAST(provider_id = :author_id AS integer),
            provider_unread = provider_unread + CAST(customer_id = :author_id AS integer),
            updated_at = greatest(updated_at, clock_timestamp())
        WHERE order_id = :order_id AND :author_id IN (customer_id, provider_id)
        RETURNING *
    ), message AS (
        INSERT INTO messages (id, order_id, position, author_id, body, created_at)
        SELECT CAST(:id AS uuid), order_id, message_count, CAST(:author_id AS uuid), :body, updated_at
        FROM thread
        RETURNING id, order_id, author_id, body, created_at, read_at
    )
    SELECT message.*, author.display_name AS author_name, thread.customer_id, thread.provider_id,
           thread.order_number, thread.service_title
    FROM message, thread, people AS author
    WHERE author.account_id = :author_id
""")

LOCK_THREAD = text("""
    SELECT CASE WHEN customer_id = :account_id THEN provider_id ELSE customer_id END AS other_id,
           (SELECT position FROM messages WHERE id = :up_to AND messages.order_id = :order_id) AS position
    FROM threads
    WHERE order_id = :order_id AND :account_id IN (customer_id, provider_id)
    FOR UPDATE OF threads
""")

# What was read stays read, so a mark can only move forward.
MARK_READ = text("""
    WITH newly_read AS (
        UPDATE messages SET read_at = clock_timestamp()
        WHERE order_id = :order_id AND author_id = :other_id AND position <= :position
          AND read_at IS NULL
        RETURNING id
    ), counted AS (SELECT CAST(count(*) AS integer) AS messages FROM newly_read)
    UPDATE threads
    SET customer_unread = customer_unread - CASE WHEN provider_id = :other_id THEN messages ELSE 0 END,
        provider_unread = provider_unread - CASE WHEN customer_id = :other_id THEN messages ELSE 0 END
    FROM counted
    WHERE order_id = :order_id AND messages > 0
""")


def post_message(connection: Connection, caller: Caller, order_id: str, body: str) -> dict[str, Any]:
    """Adds a party's message, notifies the other party and records both events.

    Raises: OrderUnknown, NotFound for strangers, Forbidden for staff.
    """
    values = {"id": str(uuid6.uuid7()), "order_id": order_id, "author_id": caller.id, "body": body}
    posted = connection.execute(POST_MESSAGE, values).first()
    if posted is None:
        raise refused_writing(connection, caller, order_id)
    _announce(connection, posted)
    return render_message(posted)


def _announce(connection: Connection, posted: Row[Any]) -> None:
    message = render_message(posted)
    other_id = posted.provider_id if posted.author_id == posted.customer_id else posted.customer_id
    announcement = outbox.row(
        contract.MESSAGE_POSTED,
        message_id=message["id"],
        order_id=message["order_id"],
        author=message["author"],
        recipient_ids=[str(other_id)],
    )
    thread = {
        "order_number": posted.order_number,
        "service_title": posted.service_title,
        "customer_id": str(posted.customer_id),
    }
    notification = notification_of_message(announcement["body"], str(other_id), thread, posted.body)
    deliver(connection, [notification], announcement)


def mark_messages_read(connection: Connection, caller: Caller, order_id: str, up_to: str) -> None:
    """Marks the other party's messages up to and with `up_to` as read now; earlier marks stay.

    Raises: OrderUnknown, NotFound for strangers, Forbidden for staff, Invalid when `up_to` is
    no message of this order.
    """
    arguments = {"order_id": order_id, "account_id": caller.id, "up_to": up_to}
    locked = connection.execute(LOCK_THREAD, arguments).first()
    if locked is None:
        raise refused_writing(connection, caller, order_id)
    if locked.position is None:
        raise Invalid.field("up_to", "unknown_message", "This order has no such message.")
    mark = {"order_id": order_id, "other_id": locked.other_id, "position": locked.position}
    connection.execute(MARK_READ, mark)
