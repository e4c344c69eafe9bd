"""What staff read of other people's: logged and counted. Parties of an order do not count as staff there."""

from collections.abc import Collection

import structlog

from kit import metrics
from kit.security.tokens import Caller

log = structlog.get_logger(__name__)


def log_staff_read(caller: Caller, resource: str, order_id: str, parties: Collection[str]) -> None:
    """Logs that a caller reads what only staff may see; the line also has the request id."""
    if caller.is_staff and caller.id not in parties:
        metrics.STAFF_READS.labels(resource).inc()
        log.info("staff_read", resource=resource, account_id=caller.id, order_id=order_id)
