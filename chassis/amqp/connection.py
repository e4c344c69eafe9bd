"""One AMQP connection, kept alive for ever, whose loop greenlet alone reads from the socket."""

import contextlib
import json
import random
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

import eventlet
import structlog
from amqp.exceptions import AMQPError
from eventlet.event import Event as GreenEvent
from kombu import Connection
from nameko.extensions import SharedExtension

from chassis import patches
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

Channel = Any
Delivery = Any
HEARTBEAT_SECONDS = 10  # a connection that is silent for twice as long is given up
READ_SECONDS, END_SECONDS = 2.0, 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
TRANSIENT, PERSISTENT = 1, 2
SET_UP_SECONDS, CLOSE_SECONDS = 10.0, 2.0
CONNECTION_ERRORS = (OSError, EOFError, AMQPError)


patches.tolerate_unreadable_properties()


class Interrupted(Exception):
    """The loop is asked to drop its connection."""


class AmqpConnection:
    """Consumes queues and publishes over one connection; reconnects by itself.

    Handlers run on the loop greenlet and must only hand work on. What was unacknowledged at a
    loss of the connection is delivered again by the broker.
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
        self._loop: Any = None
        self._ended = GreenEvent()

    @property
    def is_ready(self) -> bool:
        """Whether it is connected and its consumers are installed."""
        return self._is_set_up and not self._blocked

    def consume(self, queue: str, handler: Callable[[Delivery], None], prefetch: int) -> None:
        """Consumes a declared queue on every connection; call before `run`. Prefetch 0: no acks."""
        self._consumers.append((queue, handler, prefetch))

    def on_connect(self, callback: Callable[[Channel], None]) -> None:
        """Calls `callback` with each new channel, before its consumers start."""
        self._connect_callbacks.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever a connection is gone."""
        self._disconnect_callbacks.append(callback)

    def run(self) -> None:
        """Connects, reads and reconnects until `stop`. Never raises."""
        self._loop = eventlet.getcurrent()
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping:
            try:
                self._session()
            except Interrupted:
                log.info("broker_connection_dropped", purpose=self.purpose)
            except Exception as error:  # every failure of a session means: connect again
                log.warning(
                    "broker_connection_lost", purpose=self.purpose, error=str(error) or type(error).__name__
                )
            pause = FIRST_PAUSE_SECONDS if self._is_set_up else min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._disconnect()
            self._backoff(pause * random.uniform(0.5, 1))  # noqa: S311
        self._ended.send()

    def _backoff(self, seconds: float) -> None:
        with contextlib.suppress(Interrupted):
            if not self._stopping:
                eventlet.sleep(seconds)

    def _session(self) -> None:
        options = {"on_blocked": self._on_blocked, "on_unblocked": self._on_unblocked}
        self._connection = connection = Connection(
            self._url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=3, transport_options=options
        )
        with eventlet.Timeout(SET_UP_SECONDS, TimeoutError("the broker does not answer")):
            self._set_up(connection)
        self._is_set_up = True
        log.info("broker_connected", purpose=self.purpose)
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=READ_SECONDS)
            # After each piece, since heartbeats of the broker may come before it was ever quiet so long.
            connection.heartbeat_check()

    def _set_up(self, connection: Any) -> None:
        connection.connect()
        # With this capability py-amqp reads from the socket whenever it publishes, and takes
        # pieces of what the loop is just reading.
        connection.connection.client_properties.pop("capabilities", None)
        channel = connection.channel()
        for callback in self._connect_callbacks:
            callback(channel)
        self._channel = channel  # what the first consumer gets can be done before the last is there
        for queue, handler, prefetch in self._consumers if not self._cancelled else ():
            channel.basic_qos(0, prefetch, False)
            take = handler if prefetch == 0 else partial(self._take, handler)
            callback = _as_delivery(channel, take)
            channel.basic_consume(queue, no_ack=prefetch == 0, callback=callback, consumer_tag=queue)

    def _take(self, handler: Callable[[Delivery], None], delivery: Delivery) -> None:
        if self._cancelled:  # on its way before the broker heard that we take no more
            self._settle(delivery, lambda: delivery.channel.basic_reject(delivery.delivery_tag, requeue=True))
        else:
            handler(delivery)

    def publish(
        self,
        exchange: str,
        routing_key: str,
        body: Any,
        headers: Mapping[str, Any],
        mandatory: bool = False,
        waits: bool = False,
        **properties: Any,
    ) -> None:
        """Writes one JSON message to the socket, without waiting for a confirm.

        While the broker takes nothing, only what `waits` is written: it is read when it can be.

        Raises: Unavailable when there is no connection, or the broker takes nothing now.
        """
        channel = self._channel
        if channel is None or (self._blocked and not waits):
            raise Unavailable("The message broker is not accepting messages.", code="broker_unavailable")
        properties.setdefault("delivery_mode", TRANSIENT)
        raw = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        message = channel.prepare_message(
            raw,
            content_type="application/json",
            content_encoding="utf-8",
            headers=dict(headers),
            properties=properties,
        )
        self._write(channel, lambda: channel.basic_publish(message, exchange, routing_key, mandatory))

    def _write(self, channel: Channel, act: Callable[[], None]) -> None:
        try:
            act()
        except CONNECTION_ERRORS as error:
            if channel is self._channel:
                self.reset()  # half a message may be on the wire
            raise Unavailable(
                "The message broker is not accepting messages.", code="broker_unavailable"
            ) from error

    def ack(self, delivery: Delivery) -> None:
        """Acknowledges on the delivery's own channel; if that is gone the broker delivers again."""
        self._settle(delivery, lambda: delivery.channel.basic_ack(delivery.delivery_tag))

    def reject(self, delivery: Delivery) -> None:
        """Sends a message to its queue's dead letters."""
        self._settle(delivery, lambda: delivery.channel.basic_reject(delivery.delivery_tag, requeue=False))

    def holds(self, delivery: Delivery) -> bool:
        """Whether a delivery can still be settled; if not, the broker delivers it again."""
        return delivery.channel is self._channel

    def _settle(self, delivery: Delivery, act: Callable[[], None]) -> None:
        if self.holds(delivery):
            with contextlib.suppress(Unavailable):
                self._write(delivery.channel, act)

    def cancel(self) -> None:
        """Takes no new messages; those delivered already may still be settled."""
        self._cancelled = True
        channel = self._channel
        for queue, _handler, prefetch in self._consumers:
            if channel is not None and prefetch:
                with contextlib.suppress(Unavailable):
                    self._write(channel, partial(channel.basic_cancel, queue, nowait=True))

    def stop(self) -> None:
        """Closes the connection and waits for the loop's end."""
        self._stopping = True
        self.reset()
        with eventlet.Timeout(END_SECONDS, False):
            self._ended.wait()

    def reset(self) -> None:
        """Drops the connection; the loop makes a new one."""
        # Only the loop may close the socket it reads: another greenlet would free the descriptor
        # for reuse while the hub still watches it.
        if self._loop is eventlet.getcurrent():
            raise Interrupted
        if self._loop is not None and not self._loop.dead:
            eventlet.kill(self._loop, Interrupted())

    def _disconnect(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._blocked = self._is_set_up = False
        if connection is None:
            return
        # A goodbye at the end lets the broker read all that was written; a lost connection gets none.
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
    """A part of the process with a connection of its own, named by its `purpose`."""

    purpose: ClassVar[str]

    @cached_property
    def amqp(self) -> AmqpConnection:
        """The connection; made once, running from `start` to `stop`."""
        return AmqpConnection(self.container.config["settings"], self.purpose)

    def start(self) -> None:
        """Connects in the background, for as long as it takes."""
        self.container.spawn_managed_thread(self.amqp.run, identifier=f"{self.purpose} connection")

    def stop(self) -> None:
        """Closes the connection."""
        self.amqp.stop()

    def is_ready(self) -> bool:
        """Whether its messages flow."""
        return self.amqp.is_ready


def decoded(delivery: Delivery) -> Any:
    """The message's JSON. Raises: ValueError when it is none."""
    return json.loads(text_of(delivery))


def text_of(delivery: Delivery, errors: str = "strict") -> str:
    """The message's body as text. Raises: UnicodeDecodeError, unless `errors` says "replace"."""
    body = delivery.body
    return body if isinstance(body, str) else bytes(body).decode("utf-8", errors)


def _as_delivery(channel: Channel, handler: Callable[[Delivery], None]) -> Callable[[Any], None]:
    return lambda raw: handler(channel.message_to_python(raw))
