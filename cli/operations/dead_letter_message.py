"""What a dead letter is: an event or a call, whence it came, why, and whether it would be taken now."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.amqp import topology
from chassis.amqp.rpc_server import CALL, REASON
from cli.operations.broker import text_in
from kit.contracts import Event, Rpc, rpcs_of
from kit.settings import Settings
from kit.validation import rfc3339
from services.registry import all_events, contract_of

EVENT, CALLED, UNKNOWN = "event", "call", "unknown"
BEGINNING, LONGEST_REFUSAL = 120, 300
_SECRET = re.compile(r'("[^"]*(?:password|token|secret)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE)


@dataclass(frozen=True)
class DeadLetter:
    """One message that no consumer could process. `refused` says why this release would refuse it too."""

    service: str
    id: str
    kind: str
    name: str
    queue: str
    reason: str
    died_at: str | None
    refused: str
    beginning: str


def dead_letter_of(settings: Settings, service: str, message: Any) -> DeadLetter:
    """Reads one message of a service's dead letters."""
    headers = message.headers or {}
    queue = str(headers.get("x-first-death-queue", ""))
    deaths = headers.get("x-death") or [{}]
    event = event_of(settings, service, queue)
    call = headers.get(CALL)
    if event is not None:
        kind, name, died_at = EVENT, f"{event.owner}.{event.type}", deaths[0].get("time")
        reason = f"{deaths[0].get('reason', 'rejected')}: the log of {service} says why"
    else:
        kind, name = (UNKNOWN, "") if call is None else (CALLED, str(call))
        queue = queue if call is None else topology.rpc_queue(settings, service)
        died_at = message.properties.get("timestamp")
        reason = str(headers.get(REASON, "not said"))
    text = text_in(message)
    return DeadLetter(
        service=service,
        id=_id(text, reason, queue, str(died_at), str(headers.get("nameko.request_id"))),
        kind=kind,
        name=name,
        queue=queue,
        reason=reason,
        died_at=_moment(died_at),
        refused=_refused(_contract(service, event, name), text),
        beginning=without_secrets(text)[:BEGINNING],
    )


def without_secrets(text: str) -> str:
    """A body with the values of passwords and tokens blanked, whether or not it is whole."""
    return _SECRET.sub(r'\1"***"', text)


def event_of(settings: Settings, service: str, queue: str) -> Event | None:
    """What waits in one of a service's queues, when that is events."""
    events = (event for event in all_events() if service in event.consumers)
    return next((e for e in events if topology.event_queue(settings, e, service) == queue), None)


def _contract(service: str, event: Event | None, name: str) -> Event | Rpc | None:
    if event is not None:
        return event
    return next((rpc for rpc in rpcs_of(contract_of(service)) if rpc.routing_key == name), None)


def _refused(contract: Event | Rpc | None, text: str) -> str:
    """Why this release would refuse it; empty when it would not."""
    if contract is None:
        return "Nothing says what it was meant for."
    try:
        body = json.loads(text)
        if isinstance(contract, Event):
            contract.load(body)
        else:
            contract.accept(body["kwargs"])
    except Exception as error:  # whatever it is, a service would stumble over it as well
        return f"{type(error).__name__}: {error}"[:LONGEST_REFUSAL]
    return ""


def _id(*facts: str) -> str:
    # The broker gives none. Nothing in it changes by being looked at.
    return hashlib.sha256("\x00".join(facts).encode("utf-8", "replace")).hexdigest()[:12]


def _moment(died_at: Any) -> str | None:
    if isinstance(died_at, datetime):
        return rfc3339(died_at.replace(tzinfo=UTC))
    if isinstance(died_at, int):
        return rfc3339(datetime.fromtimestamp(died_at, UTC))
    return None
