"""A party writes to the other one.

Everything about one thread happens under its row's lock, so messages have one order and the
unread counts are exact however many people write at once.
"""

from typing import Any

import uuid6
from sqlalchemy import Connection, Row, text

from chassis.runtime.context import Call
from chassis.storage import outbox
from chassis.storage.database import Db
from chassis.storage.idempotency import IS_CLAIMED, FirstStatement
from services.messaging import contract
from services.messaging.access import refused_writing
from services.messaging.commands.notify import notify
from services.messaging.notifications import ThreadFacts, notification_of_message
from services.messaging.projections import GetOrder, change_thread
from services.messaging.rendering import render_message
from services.messaging.types import Message

# The thread's lock is taken first and assigns the position; time never runs backwards in a thread.
POST_MESSAGE = text(f"""
    WITH thread AS (
        UPDATE threads
        SET message_count = message_count + 1,
            customer_unread = customer_unread + CAST(provider_id = :author_id AS integer),
            provider_unread = provider_unread + CAST(customer_id = :author_id AS integer),
            updated_at = greatest(updated_at, clock_timestamp())
        WHERE order_id = :order_id AND :author_id IN (customer_id, provider_id) AND {IS_CLAIMED}
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
""")  # noqa: S608 - only a constant is put in


def post_message(db: Db, call: Call, get_order: GetOrder, order_id: str, body: str) -> Message:
    """Adds a party's message, notifies the other party and records both events.

    Raises: NotFound for strangers, Forbidden for staff; Unavailable or TimedOut when the order is not known
    here and orders does not answer.
    """
    caller = call.account
    values = {"id": str(uuid6.uuid7()), "order_id": order_id, "author_id": caller.id, "body": body}

    def effect(connection: Connection, posted: Row[Any] | None) -> Message:
        if posted is None:
            raise refused_writing(connection, caller, order_id)
        message = render_message(posted)
        _publish(connection, posted, message)
        return message

    return change_thread(db, call, get_order, order_id, FirstStatement(POST_MESSAGE, values), effect)


def _publish(connection: Connection, posted: Row[Any], message: Message) -> None:
    other_id = posted.provider_id if posted.author_id == posted.customer_id else posted.customer_id
    event = outbox.row(
        contract.MESSAGE_POSTED,
        message_id=message["id"],
        order_id=message["order_id"],
        author=message["author"],
        recipient_ids=[str(other_id)],
    )
    thread: ThreadFacts = {
        "order_number": posted.order_number,
        "service_title": posted.service_title,
        "customer_id": str(posted.customer_id),
    }
    notification = notification_of_message(event["body"], str(other_id), thread, posted.body)
    notify(connection, [notification], event)
