"""The metrics that a process serves on its own port."""

from functools import cache
from typing import TypeVar

from prometheus_client import Counter, Histogram

Metric = TypeVar("Metric", Counter, Histogram)

ROUND_TRIPS = Counter(
    "microtasks_database_round_trips_total", "Messages to the database whose answer was awaited", ["call"]
)
TRANSACTIONS = Counter("microtasks_transactions_total", "Transactions committed", ["call"])
RPC_SERVED = Counter("microtasks_rpc_served_total", "Calls answered", ["call", "outcome"])
RPC_SECONDS = Histogram("microtasks_rpc_seconds", "Time to answer a call", ["call"])
EVENTS_HANDLED = Counter("microtasks_events_total", "Events processed", ["consumer", "outcome"])
EVENTS_PUBLISHED = Counter("microtasks_events_published_total", "Events confirmed by the broker", ["type"])
DEAD_LETTERS = Counter("microtasks_dead_letters_total", "Messages that cannot be processed", ["queue"])
RPC_REPLIES_REFUSED = Counter(
    "microtasks_rpc_replies_refused_total", "Replies that did not come from the called service", ["reason"]
)
SECURITY_EVENTS = Counter(
    "microtasks_security_events_total", "Security events of accounts: lock-outs, new browsers, ...", ["type"]
)
STAFF_READS = Counter(
    "microtasks_staff_reads_total", "Private resources read as staff, not as a party", ["resource"]
)


@cache
def labelled(metric: Metric, *labels: str) -> Metric:
    """Returns a metric with its labels, whose values must be few: it is kept."""
    return metric.labels(*labels)
