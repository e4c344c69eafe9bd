"""One AMQP connection that reconnects by itself. Its loop greenlet alone reads from the socket."""

import contextlib
import json
import random
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

import eventlet
import structlog
from amqp.exceptions import AMQPError
from eventlet.event import Event as GreenEvent
from kombu import Connection
from nameko.extensions import SharedExtension

from chassis.amqp.wire import Channel as Channel
from chassis.amqp.wire import Delivery as Delivery
from chassis.amqp.wire import LibraryWire, Message, SocketWire, Wire, body_of, delivery_of
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10  # a connection that is silent for twice as long is closed
READ_SECONDS, STOP_SECONDS, HEARTBEAT_CHECK_SECONDS = 2.0, 5.0, 1.0
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.2, 5.0
TRANSIENT, PERSISTENT = 1, 2
SET_UP_SECONDS, CLOSE_SECONDS = 10.0, 2.0
CONNECTION_ERRORS = (OSError, EOFError, AMQPError)


class Interrupted(Exception):
    """Raised in the loop to make it drop its connection."""


class AmqpConnection:
    """Consumes queues and publishes over one connection; reconnects by itself.

    Handlers run on the loop greenlet and must not block: they start workers. The broker delivers
    again what was unacknowledged when a connection was lost.
    """

    def __init__(self, settings: Settings, purpose: str) -> None:
        self.purpose = purpose
        self._url = settings.amqp_url
        self._consumers: list[tuple[str, Callable[[Delivery], None], int]] = []
        self._connect_callbacks: list[Callable[[Channel], None]] = []
        self._disconnect_callbacks: list[Callable[[], None]] = []
        self._stopping = False
        self._cancelled = False
        self._blocked = False
        self._is_set_up = False
        self._connection: Any = None
        self._channel: Channel | None = None
        self._wire: Wire
        self._loop: Any = None
        self._ended = GreenEvent()

    @property
    def is_ready(self) -> bool:
        """Whether it is connected, not blocked, and its consumers are installed."""
        return self._is_set_up and not self._blocked

    def consume(self, queue: str, handler: Callable[[Delivery], None], prefetch: int) -> None:
        """Consumes a declared queue on every connection; call before `run`. Prefetch 0 means no acks."""
        self._consumers.append((queue, handler, prefetch))

    def on_connect(self, callback: Callable[[Channel], None]) -> None:
        """Calls `callback` with each new channel, before its consumers start."""
        self._connect_callbacks.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Calls `callback` after a connection was lost or closed."""
        self._disconnect_callbacks.append(callback)

    def run(self) -> None:
        """Connects, reads and reconnects until `stop`. Never raises."""
        self._loop = eventlet.getcurrent()
        pause = FIRST_BACKOFF_SECONDS
        while not self._stopping:
            try:
                self._session()
            except Interrupted:
                log.info("broker_connection_dropped", purpose=self.purpose)
            except Exception as error:  # whatever ended the session, a new one is started
                log.warning(
                    "broker_connection_lost", purpose=self.purpose, error=str(error) or type(error).__name__
                )
            pause = FIRST_BACKOFF_SECONDS if self._is_set_up else min(pause * 2, LONGEST_BACKOFF_SECONDS)
            self._disconnect()
            self._backoff(pause * random.uniform(0.5, 1))  # noqa: S311
        self._ended.send()

    def _backoff(self, seconds: float) -> None:
        with contextlib.suppress(Interrupted):
            if not self._stopping:
                eventlet.sleep(seconds)

    def _session(self) -> None:
        wire = SocketWire()
        options = {"on_blocked": self._on_blocked, "on_unblocked": self._on_unblocked, **wire.options}
        self._connection = connection = Connection(
            self._url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=3, transport_options=options
        )
        with eventlet.Timeout(SET_UP_SECONDS, TimeoutError("the broker does not respond")):
            connection.connect()
            self._wire = wire if wire.is_open else LibraryWire(connection)
            self._set_up(connection.channel())
        self._is_set_up = True
        log.info("broker_connected", purpose=self.purpose)
        self._read_until_stopped(connection)

    def _read_until_stopped(self, connection: Any) -> None:
        checked_at = 0.0
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                self._wire.read(READ_SECONDS)
            # Also between reads that never time out: heartbeats are due on a busy connection all the same.
            if (now := time.monotonic()) - checked_at >= HEARTBEAT_CHECK_SECONDS:
                checked_at = now
                connection.heartbeat_check()

    def _set_up(self, channel: Channel) -> None:
        for callback in self._connect_callbacks:
            callback(channel)
        self._channel = channel  # the first consumer may finish work before the last one is installed
        for queue, handler, prefetch in self._consumers if not self._cancelled else ():
            channel.basic_qos(0, prefetch, False)
            accept = handler if prefetch == 0 else partial(self._accept, handler)
            callback = _on_delivery(channel, accept)
            channel.basic_consume(queue, no_ack=prefetch == 0, callback=callback, consumer_tag=queue)

    def _accept(self, handler: Callable[[Delivery], None], delivery: Delivery) -> None:
        if self._cancelled:  # sent before the broker processed the cancellation
            self.requeue(delivery)
        else:
            handler(delivery)

    def publish(
        self,
        exchange: str,
        routing_key: str,
        body: Any,
        headers: Mapping[str, Any],
        mandatory: bool = False,
        even_if_blocked: bool = False,
        **properties: Any,
    ) -> None:
        """Writes one JSON message to the socket, without waiting for a confirm.

        While the broker blocks publishers, only messages with `even_if_blocked` are written; the broker
        reads them when it accepts messages again.

        Raises: Unavailable when there is no connection, or the broker blocks publishers.
        """
        channel = self._connected_channel()
        if self._blocked and not even_if_blocked:
            raise _not_accepting()
        properties.setdefault("delivery_mode", TRANSIENT)
        message = Message(exchange, routing_key, body_of(body), headers, properties, mandatory)
        self._write(channel, lambda: self._wire.publish(channel, message))

    def reply(self, delivery: Delivery, exchange: str, body: Any, **properties: Any) -> None:
        """Publishes the reply to a call and acknowledges the call, in this order and in one write.

        It is written even if the broker blocks publishers: else the call stays unacknowledged, and
        prefetch bounds their number.

        Raises: Unavailable when there is no connection.
        """
        channel = self._connected_channel()
        properties["delivery_mode"] = TRANSIENT
        message = Message(exchange, delivery.properties["reply_to"], body_of(body), {}, properties)
        acknowledged = delivery.delivery_tag if self.can_settle(delivery) else None
        self._write(channel, lambda: self._wire.publish(channel, message, acknowledged))

    def _connected_channel(self) -> Channel:
        if self._channel is None:
            raise _not_accepting()
        return self._channel

    def _write(self, channel: Channel, operation: Callable[[], None]) -> None:
        try:
            operation()
        except CONNECTION_ERRORS as error:
            if channel is self._channel:
                self.reset()  # a message may have been written in part
            raise _not_accepting() from error

    def ack(self, delivery: Delivery) -> None:
        """Acknowledges on the delivery's own channel; if that is closed, the broker delivers again."""
        self._settle(delivery, lambda: self._wire.ack(delivery.channel, delivery.delivery_tag))

    def reject(self, delivery: Delivery) -> None:
        """Rejects a message, which the broker passes to the dead-letter exchange of its queue."""
        self._settle(delivery, lambda: delivery.channel.basic_reject(delivery.delivery_tag, requeue=False))

    def requeue(self, delivery: Delivery) -> None:
        """Gives a message back to its queue, for another process."""
        self._settle(delivery, lambda: delivery.channel.basic_reject(delivery.delivery_tag, requeue=True))

    def can_settle(self, delivery: Delivery) -> bool:
        """Whether a delivery is of the current connection; if not, the broker delivers it again."""
        return delivery.channel is self._channel

    def _settle(self, delivery: Delivery, operation: Callable[[], None]) -> None:
        if self.can_settle(delivery):
            with contextlib.suppress(Unavailable):
                self._write(delivery.channel, operation)

    def cancel(self) -> None:
        """Stops consuming; messages that were delivered may still be settled."""
        self._cancelled = True
        channel = self._channel
        for queue, _handler, prefetch in self._consumers:
            if channel is not None and prefetch:
                with contextlib.suppress(Unavailable):
                    self._write(channel, partial(channel.basic_cancel, queue, nowait=True))

    def stop(self) -> None:
        """Closes the connection and waits until the loop has ended."""
        self._stopping = True
        self.reset()
        with eventlet.Timeout(STOP_SECONDS, False):
            self._ended.wait()

    def reset(self) -> None:
        """Drops the connection; the loop opens a new one."""
        # Only the loop may close the socket that it reads: another greenlet would free the file
        # descriptor for reuse while the hub still listens on it.
        if self._loop is eventlet.getcurrent():
            raise Interrupted
        if self._loop is not None and not self._loop.dead:
            eventlet.kill(self._loop, Interrupted())

    def _disconnect(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._blocked = self._is_set_up = False
        if connection is None:
            return
        # A clean close lets the broker read all that was written; a lost connection is discarded.
        for close in (connection.release, connection.collect) if self._stopping else (connection.collect,):
            with eventlet.Timeout(CLOSE_SECONDS, False):
                try:
                    close()
                except Exception:
                    log.debug("connection_close_failed", purpose=self.purpose)
        for callback in self._disconnect_callbacks:
            callback()

    def _on_blocked(self, reason: str) -> None:
        log.error("broker_blocked", purpose=self.purpose, reason=reason)
        self._blocked = True

    def _on_unblocked(self) -> None:
        self._blocked = False


class AmqpExtension(SharedExtension):  # type: ignore[misc]
    """An extension with a connection of its own, named by its `purpose`."""

    purpose: ClassVar[str]

    @cached_property
    def amqp(self) -> AmqpConnection:
        """The connection, which runs from `start` to `stop`."""
        return AmqpConnection(self.container.config["settings"], self.purpose)

    def start(self) -> None:
        """Starts connecting in the background."""
        self.container.spawn_managed_thread(self.amqp.run, identifier=f"{self.purpose} connection")

    def stop(self) -> None:
        """Closes the connection."""
        self.amqp.stop()

    def is_ready(self) -> bool:
        """Whether its connection is ready."""
        return self.amqp.is_ready


def decoded(delivery: Delivery) -> Any:
    """Returns the message's body as JSON. Raises: ValueError when it is not JSON."""
    return json.loads(text_of(delivery))


def text_of(delivery: Delivery, errors: str = "strict") -> str:
    """Returns the message's body as text. Raises: UnicodeDecodeError, unless `errors` is "replace"."""
    body = delivery.body
    return body if isinstance(body, str) else bytes(body).decode("utf-8", errors)


def _on_delivery(channel: Channel, handler: Callable[[Delivery], None]) -> Callable[[Any], None]:
    return lambda message: handler(delivery_of(channel, message))


def _not_accepting() -> Unavailable:
    return Unavailable("The message broker is not accepting messages.", code="broker_unavailable")
