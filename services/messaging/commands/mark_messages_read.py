"""A party marks the other party's messages as read."""

from sqlalchemy import Connection, text

from kit.errors import Invalid
from kit.security.tokens import Caller
from services.messaging.access import refused_writing

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
