"""Live events: which account hears which, and what is kept for streams that come back.

An event's id is its `event_id`, the same on every gateway, so a stream may come back elsewhere.
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

MAX_WAITING = 500
SWEEP_SECONDS = 60.0
RESYNC = b"event: resync\ndata: {}\n\n"
PING = b": ping\n\n"


@dataclass(frozen=True)
class Kind:
    """How a fact becomes a live event: its public name, who hears it, and which members they see."""

    name: str
    recipients: Callable[[dict[str, Any]], Iterable[str]]
    members: dict[str, str]


def _parties(event: dict[str, Any]) -> Iterable[str]:
    return event["customer"]["id"], event["provider"]["id"]


KINDS: dict[str, Kind] = {
    "notification_created": Kind(
        "notification.created",
        lambda event: (event["account_id"],),
        {"notification_id": "notification_id", "type": "type", "order_id": "order_id"},
    ),
    "message_posted": Kind(
        "message.created",
        lambda event: (event["author"]["id"], *event["recipient_ids"]),
        {"message_id": "message_id", "order_id": "order_id"},
    ),
    "order_status_changed": Kind(
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
    "payment_changed": Kind(
        "payment.updated",
        _parties,
        {
            "order_id": "order_id",
            "payment_id": "payment_id",
            "version": "payment_version",
            "status": "payment_status",
        },
    ),
    "payout_changed": Kind(
        "payout.updated",
        lambda event: (event["provider"]["id"],),
        {"payout_id": "payout_id", "version": "payout_version", "status": "status"},
    ),
    "review_submitted": Kind(
        "review.created",
        _parties,
        {"review_id": "review_id", "order_id": "order_id", "version": "review_version"},
    ),
}


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event as it is sent; `heard_at` is this gateway's clock."""

    id: str
    heard_at: float
    text: bytes


class Stream:
    """One open event stream. What waits is bounded: a client that is too slow must refetch."""

    def __init__(
        self, account_id: str, session_id: str, network: str, is_connected: Callable[[], bool]
    ) -> None:
        self.account_id = account_id
        self.network = network
        self.session_id = session_id
        self.is_connected = is_connected
        self.is_closed = False
        self._waiting: deque[bytes] = deque()
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether somebody still listens."""
        return self.is_connected() and not self.is_closed

    def send(self, text: bytes) -> None:
        """Queues one event."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            text = RESYNC
        self._waiting.append(text)
        self._changed.set()

    def close(self) -> None:
        """Ends the stream after what it is writing now."""
        self.is_closed = True
        self._changed.set()

    async def next(self, ping_seconds: float) -> bytes | None:
        """What to write next: events, a ping when it was quiet, None at the end."""
        if not self._waiting and not self.is_closed:
            try:
                async with asyncio.timeout(ping_seconds):
                    await self._changed.wait()
            except TimeoutError:
                return PING
        self._changed.clear()
        if self.is_closed:
            return None
        text = b"".join(self._waiting)
        self._waiting.clear()
        return text


class Hub:
    """Keeps the last minutes of every account's events and hands new ones to its streams."""

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: dict[str, deque[LiveEvent]] = {}
        self._streams: dict[str, list[Stream]] = {}
        self._of_network: dict[str, set[Stream]] = {}
        self._sweep_at = clock() + SWEEP_SECONDS

    def publish(self, event_type: str, event: dict[str, Any]) -> None:
        """Takes one event of the feed; those nobody hears are ignored."""
        kind = KINDS.get(event_type)
        if kind is None:
            return
        thin = {public: event[own] for public, own in kind.members.items()}
        thin["occurred_at"] = event["occurred_at"]
        data = json.dumps(thin, separators=(",", ":"))
        text = f"id: {event['event_id']}\nevent: {kind.name}\ndata: {data}\n\n".encode()
        live = LiveEvent(event["event_id"], self._clock(), text)
        for account_id in dict.fromkeys(kind.recipients(event)):
            self._kept.setdefault(account_id, deque()).append(live)
            self._forget_old(account_id)
            for stream in self._streams.get(account_id, ()):
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
        """A stream that first repeats what its client may have missed. `network` is where the client is,
        empty where nobody is limited.

        Raises: TooMany when the account or the network has its allowed number open.
        """
        mine = [stream for stream in self._streams.get(account_id, ()) if stream.is_open]
        if len(mine) >= self._settings.stream_limit_per_account:
            raise TooMany("This account has too many event streams open.", code="too_many_streams")
        self._refuse_if_crowded(network)
        stream = Stream(account_id, session_id, network, is_connected)
        if network:
            self._of_network.setdefault(network, set()).add(stream)
        if last_event_id:
            for text in self._missed(account_id, last_event_id):
                stream.send(text)
        self._streams[account_id] = [*mine, stream]
        STREAMS.inc()
        return stream

    def _refuse_if_crowded(self, network: str) -> None:
        limit = self._settings.stream_limit_per_address
        if limit and sum(stream.is_open for stream in self._of_network.get(network, ())) >= limit:
            detail = f"At most {limit} event streams may be open from one address."
            raise TooMany(detail, code="quota_exceeded", quota="stream_limit_per_address", limit=limit)

    def leave(self, stream: Stream) -> None:
        """A stream has ended."""
        STREAMS.dec()
        neighbours = self._of_network.get(stream.network, set())
        neighbours.discard(stream)
        if not neighbours:
            self._of_network.pop(stream.network, None)
        rest = [other for other in self._streams.get(stream.account_id, ()) if other is not stream]
        if rest:
            self._streams[stream.account_id] = rest
        else:
            self._streams.pop(stream.account_id, None)

    def close_sessions(self, account_id: str, session_ids: Iterable[str]) -> None:
        """Ends the streams of signed-out sessions."""
        ended = set(session_ids)
        for stream in self._streams.get(account_id, ()):
            if stream.session_id in ended:
                stream.close()

    def start_afresh(self) -> None:
        """Events may have been missed: nothing kept is complete any more, everyone refetches."""
        self._kept.clear()
        for stream in self._all_streams():
            stream.send(RESYNC)

    def close_all(self) -> None:
        """Ends every stream; clients come back elsewhere."""
        for stream in self._all_streams():
            stream.close()

    def _all_streams(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    def _missed(self, account_id: str, last_event_id: str) -> list[bytes]:
        oldest = self._clock() - self._settings.stream_kept_seconds
        kept = self._kept.get(account_id, ())
        last = next((e for e in kept if e.id == last_event_id and e.heard_at >= oldest), None)
        if last is None:
            return [RESYNC]
        since = last.heard_at - self._settings.stream_rewind_seconds
        return [event.text for event in kept if event.heard_at >= since]

    def _forget_old(self, account_id: str) -> None:
        # The rewind is kept on top, so that the oldest id still known can be replayed in full.
        settings = self._settings
        oldest = self._clock() - settings.stream_kept_seconds - settings.stream_rewind_seconds
        kept = self._kept[account_id]
        while kept and kept[0].heard_at < oldest:
            kept.popleft()
        if not kept:
            del self._kept[account_id]

    def _sweep(self) -> None:
        if self._clock() >= self._sweep_at:
            self._sweep_at = self._clock() + SWEEP_SECONDS
            for account_id in list(self._kept):
                self._forget_old(account_id)
