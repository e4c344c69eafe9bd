"""Live events: who receives which, and what is stored for streams that reconnect.

An event's id is its `event_id`, the same on every gateway, so a stream may reconnect to any of them.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.metrics import STREAMS
from gateway.settings import GatewaySettings
from kit.errors import TooMany

MAX_QUEUED = 500
SWEEP_SECONDS = 60.0
RESYNC = b"event: resync\ndata: {}\n\n"
PING = b": ping\n\n"


@dataclass(frozen=True)
class LiveEventType:
    """How an event becomes a live event: its public name, its recipients, and which members they see."""

    name: str
    recipients: Callable[[dict[str, Any]], Iterable[str]]
    members: dict[str, str]


def _parties(event: dict[str, Any]) -> Iterable[str]:
    return event["customer"]["id"], event["provider"]["id"]


LIVE_EVENT_TYPES: dict[str, LiveEventType] = {
    "notification_created": LiveEventType(
        "notification.created",
        lambda event: (event["account_id"],),
        {"notification_id": "notification_id", "type": "type", "order_id": "order_id"},
    ),
    "message_posted": LiveEventType(
        "message.created",
        lambda event: (event["author"]["id"], *event["recipient_ids"]),
        {"message_id": "message_id", "order_id": "order_id"},
    ),
    "order_status_changed": LiveEventType(
        "order.transitioned",
        _parties,
        {
            "order_id": "order_id",
            "version": "order_version",
            "sequence": "sequence",
            "transition": "transition",
            "status": "to_status",
        },
    ),
    "payment_changed": LiveEventType(
        "payment.updated",
        _parties,
        {
            "order_id": "order_id",
            "payment_id": "payment_id",
            "version": "payment_version",
            "status": "payment_status",
        },
    ),
    "payout_changed": LiveEventType(
        "payout.updated",
        lambda event: (event["provider"]["id"],),
        {"payout_id": "payout_id", "version": "payout_version", "status": "status"},
    ),
    "review_submitted": LiveEventType(
        "review.created",
        _parties,
        {"review_id": "review_id", "order_id": "order_id", "version": "review_version"},
    ),
}


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event as it is sent; `received_at` is in seconds of this gateway's clock."""

    id: str
    received_at: float
    text: bytes


class Stream:
    """One open event stream. Its queue is bounded: a client that is too slow must fetch everything again."""

    def __init__(
        self, account_id: str, session_id: str, network: str, is_connected: Callable[[], bool]
    ) -> None:
        self.account_id = account_id
        self.network = network
        self.session_id = session_id
        self.is_connected = is_connected
        self.is_closed = False
        self._queued: deque[bytes] = deque()
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the client is still connected."""
        return self.is_connected() and not self.is_closed

    def send(self, text: bytes) -> None:
        """Queues one event."""
        if len(self._queued) >= MAX_QUEUED:
            self._queued.clear()
            text = RESYNC
        self._queued.append(text)
        self._changed.set()

    def close(self) -> None:
        """Ends the stream after the current write."""
        self.is_closed = True
        self._changed.set()

    async def next(self, ping_seconds: float) -> bytes | None:
        """Returns what to write next: events, a ping after a quiet interval, None at the end."""
        if not self._queued and not self.is_closed:
            try:
                async with asyncio.timeout(ping_seconds):
                    await self._changed.wait()
            except TimeoutError:
                return PING
        self._changed.clear()
        if self.is_closed:
            return None
        text = b"".join(self._queued)
        self._queued.clear()
        return text


class Hub:
    """Stores the last minutes of every account's events and sends new ones to its streams."""

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._recent: dict[str, deque[LiveEvent]] = {}
        self._by_account: dict[str, list[Stream]] = {}
        self._by_network: dict[str, set[Stream]] = {}
        self._sweep_at = clock() + SWEEP_SECONDS

    def publish(self, event_type: str, event: dict[str, Any]) -> None:
        """Sends one event of the feed to its recipients; types that have no public name are ignored."""
        live_type = LIVE_EVENT_TYPES.get(event_type)
        if live_type is None:
            return
        public = {name: event[own_name] for name, own_name in live_type.members.items()}
        public["occurred_at"] = event["occurred_at"]
        data = json.dumps(public, separators=(",", ":"))
        text = f"id: {event['event_id']}\nevent: {live_type.name}\ndata: {data}\n\n".encode()
        live = LiveEvent(event["event_id"], self._clock(), text)
        for account_id in dict.fromkeys(live_type.recipients(event)):
            self._recent.setdefault(account_id, deque()).append(live)
            self._remove_expired(account_id)
            for stream in self._by_account.get(account_id, ()):
                stream.send(text)
        self._sweep()

    def open(
        self,
        account_id: str,
        session_id: str,
        last_event_id: str | None,
        is_connected: Callable[[], bool] = lambda: True,
        network: str = "",
    ) -> Stream:
        """Opens a stream that first replays what its client may have missed.

        `network` is the client's, empty for clients that are not limited by it. Raises: TooMany when the
        account or the network has its maximum of open streams.
        """
        open_streams = [stream for stream in self._by_account.get(account_id, ()) if stream.is_open]
        if len(open_streams) >= self._settings.stream_limit_per_account:
            raise TooMany("This account has too many event streams open.", code="too_many_streams")
        self._check_network_limit(network)
        stream = Stream(account_id, session_id, network, is_connected)
        if network:
            self._by_network.setdefault(network, set()).add(stream)
        if last_event_id:
            for text in self._missed(account_id, last_event_id):
                stream.send(text)
        self._by_account[account_id] = [*open_streams, stream]
        STREAMS.inc()
        return stream

    def _check_network_limit(self, network: str) -> None:
        limit = self._settings.stream_limit_per_address
        if limit and sum(stream.is_open for stream in self._by_network.get(network, ())) >= limit:
            detail = f"At most {limit} event streams may be open from one address."
            raise TooMany(detail, code="quota_exceeded", quota="stream_limit_per_address", limit=limit)

    def remove(self, stream: Stream) -> None:
        """Removes a stream that has ended."""
        STREAMS.dec()
        others = self._by_network.get(stream.network, set())
        others.discard(stream)
        if not others:
            self._by_network.pop(stream.network, None)
        rest = [other for other in self._by_account.get(stream.account_id, ()) if other is not stream]
        if rest:
            self._by_account[stream.account_id] = rest
        else:
            self._by_account.pop(stream.account_id, None)

    def close_sessions(self, account_id: str, session_ids: Iterable[str]) -> None:
        """Ends the streams of signed-out sessions."""
        ended = set(session_ids)
        for stream in self._by_account.get(account_id, ()):
            if stream.session_id in ended:
                stream.close()

    def resynchronize(self) -> None:
        """Makes every client fetch everything again, because events may have been missed."""
        self._recent.clear()
        for stream in self._all_streams():
            stream.send(RESYNC)

    def close_all(self) -> None:
        """Ends every stream; clients reconnect to another gateway."""
        for stream in self._all_streams():
            stream.close()

    def _all_streams(self) -> list[Stream]:
        return [stream for streams in self._by_account.values() for stream in streams]

    def _missed(self, account_id: str, last_event_id: str) -> list[bytes]:
        oldest = self._clock() - self._settings.stream_kept_seconds
        recent = self._recent.get(account_id, ())
        last = next((e for e in recent if e.id == last_event_id and e.received_at >= oldest), None)
        if last is None:
            return [RESYNC]
        since = last.received_at - self._settings.stream_rewind_seconds
        return [event.text for event in recent if event.received_at >= since]

    def _remove_expired(self, account_id: str) -> None:
        # The rewind is stored in addition, so that the oldest known id can be replayed in full.
        settings = self._settings
        oldest = self._clock() - settings.stream_kept_seconds - settings.stream_rewind_seconds
        recent = self._recent[account_id]
        while recent and recent[0].received_at < oldest:
            recent.popleft()
        if not recent:
            del self._recent[account_id]

    def _sweep(self) -> None:
        if self._clock() >= self._sweep_at:
            self._sweep_at = self._clock() + SWEEP_SECONDS
            for account_id in list(self._recent):
                self._remove_expired(account_id)
