"""Why somebody may not do something with a thread: the answers differ, so that strangers learn nothing."""

from sqlalchemy import Connection, select

from chassis.errors import Forbidden, NotFound, ServiceError
from chassis.tokens import Caller
from services.messaging.models import THREADS


class ThreadUnknown(NotFound):
    """No event of this order has arrived here yet, or there is no such order: ask orders."""


def refusal(connection: Connection, caller: Caller, order_id: str) -> ServiceError:
    """The error for a caller whom a statement on this thread did not serve."""
    thread = select(THREADS.c.order_id).where(THREADS.c.order_id == order_id)
    if connection.execute(thread).first() is None:
        return ThreadUnknown("There is no such order.")
    if caller.is_staff:
        return Forbidden("Staff read along; only the two parties write and mark as read.")
    return NotFound("There is no such order.")
