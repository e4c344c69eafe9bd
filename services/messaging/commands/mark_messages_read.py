"""A party marks the other party's messages as read."""

from typing import Any

from sqlalchemy import Connection, Row, text

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import IS_CLAIMED, FirstStatement
from kit.errors import Invalid
from services.messaging.access import refused_writing
from services.messaging.projections import GetOrder, change_thread

LOCK_THREAD = text(f"""
    SELECT CASE WHEN customer_id = :account_id THEN provider_id ELSE customer_id END AS other_id,
           (SELECT position FROM messages WHERE id = :up_to AND messages.order_id = :order_id) AS position
    FROM threads
    WHERE order_id = :order_id AND :account_id IN (customer_id, provider_id) AND {IS_CLAIMED}
    FOR UPDATE OF threads
""")  # noqa: S608 - only a constant is put in

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


def mark_messages_read(db: Db, call: Call, get_order: GetOrder, order_id: str, up_to: str) -> None:
    """Marks the other party's messages up to and with `up_to` as read now; earlier marks stay.

    Raises: NotFound for strangers, Forbidden for staff, Invalid when `up_to` is no message of this order;
    Unavailable or TimedOut when the order is not known here and orders does not answer.
    """
    caller = call.account
    arguments = {"order_id": order_id, "account_id": caller.id, "up_to": up_to}

    def effect(connection: Connection, locked: Row[Any] | None) -> None:
        if locked is None:
            raise refused_writing(connection, caller, order_id)
        if locked.position is None:
            raise Invalid.field("up_to", "unknown_message", "This order has no such message.")
        mark = {"order_id": order_id, "other_id": locked.other_id, "position": locked.position}
        connection.execute(MARK_READ, mark)

    change_thread(db, call, get_order, order_id, FirstStatement(LOCK_THREAD, arguments), effect)
