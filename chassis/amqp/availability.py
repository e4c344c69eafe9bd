"""Which services are available: a queue that nobody consumes gets no further calls after a time-out."""

import time

import eventlet
import structlog
from kombu import Connection

from chassis.amqp import topology
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

PROBE_SECONDS = 1.0


class ServiceAvailability:
    """Stores which services were found without a consumer, and probes those again each second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._unavailable: dict[str, float] = {}  # by service, the monotonic time of the last probe

    def raise_if_unavailable(self, service: str) -> None:
        """Returns unless the service is known to have no consumer.

        Raises: Unavailable, so that no further caller waits for a time-out.
        """
        probed_at = self._unavailable.get(service)
        if probed_at is None:
            return
        if time.monotonic() - probed_at >= PROBE_SECONDS:
            self.probe(service)
        if service in self._unavailable:
            raise Unavailable(f"{service} is unavailable.")

    def probe(self, service: str) -> None:
        """Asks the broker whether the service's queue has a consumer."""
        if service in self._unavailable:
            self._unavailable[service] = time.monotonic()
        queue = topology.rpc_queue(self._settings, service)
        try:
            # Only its loop may read from the shared connection, so a probe opens a connection of its own.
            with eventlet.Timeout(PROBE_SECONDS, TimeoutError), Connection(self._settings.amqp_url) as broker:
                consumers = broker.channel().queue_declare(queue, passive=True).consumer_count
        except Exception as error:
            log.warning("availability_unknown", service=service, error=str(error))
            return  # a failed probe is no evidence: the known state stays
        if consumers:
            self._unavailable.pop(service, None)  # another greenlet may have probed at the same time
        else:
            self._unavailable[service] = time.monotonic()
