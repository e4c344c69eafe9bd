"""Who is away: after a time-out the callee's queue is looked at; unconsumed, it gets no further calls."""

import time

import eventlet
import structlog
from kombu import Connection

from chassis.amqp import topology
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0


class ServiceAvailability:
    """Remembers which services were found without a consumer, and looks again each second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._absent: dict[str, float] = {}

    def raise_if_unavailable(self, service: str) -> None:
        """Lets a call pass unless its service is known to be away.

        Raises: Unavailable at once, instead of letting one more caller wait.
        """
        looked_at = self._absent.get(service)
        if looked_at is None:
            return
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            self.probe(service)
        if service in self._absent:
            raise Unavailable(f"{service} is unavailable.")

    def probe(self, service: str) -> None:
        """Asks the broker whether anybody consumes the service's queue."""
        if service in self._absent:
            self._absent[service] = time.monotonic()
        queue = topology.rpc_queue(self._settings, service)
        try:
            # The link's own channel is read by its loop alone, so the question takes a connection of its own.
            with eventlet.Timeout(LOOK_SECONDS, TimeoutError), Connection(self._settings.amqp_url) as broker:
                consumers = broker.channel().queue_declare(queue, passive=True).consumer_count
        except Exception as error:
            log.warning("availability_unknown", service=service, error=str(error))
            return  # a slow look says nothing: what was known stays
        if consumers:
            self._absent.pop(service, None)  # others may have looked at the same time
        else:
            self._absent[service] = time.monotonic()
