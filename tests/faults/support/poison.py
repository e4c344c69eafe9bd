"""Messages that nobody can process, of every kind, and where they end."""

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import amqp

from chassis import patches
from chassis.amqp import topology
from kit.settings import Settings
from tests.support import codebase
from tests.support.servers import broker_connection

HUGE_BYTES = 2 << 20
DEEP = 100_000
STRANGE = b"\xff\xfe\xfa"
SAMPLES = codebase.ROOT / "tests" / "contracts" / "samples"
# Flags of the basic properties, as AMQP 0-9-1 (4.2.6.1) numbers them.
HEADERS, CORRELATION_ID, REPLY_TO, MESSAGE_ID = 0x2000, 0x0400, 0x0200, 0x0080

# Who looks at the dead letters must not be stopped by them either.
patches.accept_unreadable_properties()


class RawMessage(amqp.Message):  # type: ignore[misc]
    """A message whose properties are written as they are given."""

    def __init__(self, body: bytes, raw: bytes) -> None:
        super().__init__(body)
        self._raw = raw

    def _serialize_properties(self) -> bytes:
        return self._raw


@dataclass(frozen=True)
class Poison:
    """One message; `raw` replaces its properties."""

    kind: str
    body: bytes
    properties: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None

    def message(self) -> amqp.Message:
        """As it goes to the broker."""
        if self.raw is not None:
            return RawMessage(self.body, self.raw)
        return amqp.Message(self.body, **self.properties)


def _short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _flagged(flags: int, content: bytes) -> bytes:
    return flags.to_bytes(2, "big") + content


def _table(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def unreadable() -> Iterator[Poison]:
    """Those that neither a call nor an event can be read from, wherever they arrive."""
    answered = {"reply_to": "reply.nobody", "correlation_id": "1"}
    yield Poison("not JSON", b"{", answered)
    yield Poison("nothing at all", b"", answered)
    yield Poison("not UTF-8", STRANGE, answered)
    yield Poison("of another shape", b"[]", answered)
    yield Poison("a number", b"7", answered)
    yield Poison("nested too deeply", b"[" * DEEP, answered)
    yield Poison("huge", b'{"x": "' + b"x" * HUGE_BYTES, answered)
    pickled = pickle.dumps({"kwargs": {}})
    yield Poison("pickled", pickled, {**answered, "content_type": "application/x-python-serialize"})
    yield Poison("of no encoding", b"\x80", {**answered, "content_encoding": "klingon"})
    yield Poison("a strange message id", b"[1]", raw=_flagged(MESSAGE_ID, _short(STRANGE)))
    ids = _flagged(CORRELATION_ID | REPLY_TO, _short(STRANGE) + _short(b"reply.nobody"))
    yield Poison("a strange correlation id", b"[2]", raw=ids)
    name = _table(_short(STRANGE) + b"S" + _table(b"value"))
    yield Poison("a strange header name", b"[3]", raw=_flagged(HEADERS, name))
    value = _table(_short(b"nameko.request_id") + b"S" + _table(STRANGE))
    yield Poison("a strange header", b"[4]", raw=_flagged(HEADERS, value))
    moment = _table(_short(b"when") + b"T" + b"\xff" * 8)
    yield Poison("a moment in no year", b"[5]", raw=_flagged(HEADERS, moment))


def calls(service: str) -> Iterator[Poison]:
    """Those that only calls can be: nobody to answer to."""
    body = json.dumps({"args": [], "kwargs": {}}).encode()
    yield Poison("no reply_to", body)
    yield Poison("no arguments", b"{}", {"reply_to": "reply.nobody"})
    yield Poison("no reply_to, method unknown", body.replace(b"}}", b'}, "of": "%s"}' % service.encode()))


def events(kind: str) -> Iterator[Poison]:
    """Those that almost are events of this kind."""
    sample = json.loads((SAMPLES / f"{kind}.json").read_text())[0]
    yield Poison("of a version to come", json.dumps({**sample, "version": 99}).encode())
    yield Poison("without an id", json.dumps({k: v for k, v in sample.items() if k != "event_id"}).encode())
    yield Poison("of another type", json.dumps({**sample, "occurred_at": ["now"]}).encode())


def event_queues(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every durable queue of events: its name, the event's type, the consumer."""
    for event in codebase.events():
        for consumer in event.consumers:
            yield topology.event_queue(settings, event, consumer), event.type, consumer


def dead_letters(settings: Settings) -> Counter[tuple[str, bytes]]:
    """What lies among the dead letters now, by service; all stay there."""
    found: Counter[tuple[str, bytes]] = Counter()
    with closing(broker_connection(settings.amqp_url)) as connection:
        channel = connection.channel()
        for service in codebase.SERVICES:
            queue = topology.dead_letter_queue(settings, service)
            while message := channel.basic_get(queue):
                body = message.body
                found[service, body.encode() if isinstance(body, str) else bytes(body)] += 1
    return found
