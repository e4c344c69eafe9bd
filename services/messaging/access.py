"""Why a person may not read or change a thread. Strangers do not learn whether it exists."""

from sqlalchemy import Connection, select

from kit.errors import Forbidden, NotFound, ServiceError
from kit.security.tokens import Caller
from services.messaging.models import THREADS
from services.unknown_orders import OrderUnknown


def refused_reading(connection: Connection, caller: Caller, order_id: str) -> ServiceError:
    """Returns the error for a caller to whom no thread was shown."""
    parties = _parties(connection, order_id)
    # A caller who may read it was overtaken by its event: the thread exists now, and a retry finds it.
    if not parties or caller.is_staff or caller.id in parties:
        return OrderUnknown("There is no such order.")
    return NotFound("There is no such order.")


def refused_writing(connection: Connection, caller: Caller, order_id: str) -> ServiceError:
    """Returns the error for a caller who changed nothing in a thread."""
    parties = _parties(connection, order_id)
    if not parties or caller.id in parties:
        return OrderUnknown("There is no such order.")
    if caller.is_staff:
        return Forbidden("Staff have read-only access; only the two parties write and mark as read.")
    return NotFound("There is no such order.")


def _parties(connection: Connection, order_id: str) -> tuple[str, ...]:
    thread = select(THREADS.c.customer_id, THREADS.c.provider_id).where(THREADS.c.order_id == order_id)
    return tuple(connection.execute(thread).first() or ())
