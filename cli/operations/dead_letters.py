"""Dead letters: looked at without losing one, sent back whence they came, or let go with a record."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import amqp

from chassis.amqp import topology
from chassis.amqp.connection import PERSISTENT
from chassis.runtime.context import HEADER_PREFIX
from cli.operations.audit_log import AuditEntry, record
from cli.operations.broker import all_in, opened_broker, publish, text_in
from cli.operations.calls import REQUEST_ID, call_again
from cli.operations.databases import Databases
from cli.operations.dead_letter_message import EVENT, UNKNOWN, DeadLetter, dead_letter_of, without_secrets
from kit.settings import Settings

Found = tuple[DeadLetter, Any]


@dataclass(frozen=True)
class Wanted:
    """Which dead letters of which services are meant (without ids all), and how to act on them."""

    services: Sequence[str]
    ids: Sequence[str] = ()
    reason: str | None = None
    dry_run: bool = False
    anyway: bool = False


def letters_in(connection: Any, settings: Settings, service: str) -> list[Found]:
    """One service's dead letters with their messages, the oldest first; all of them stay."""
    with all_in(connection, topology.dead_letter_queue(settings, service)) as messages:
        return [(dead_letter_of(settings, service, message), message) for message in messages]


def find(settings: Settings, services: Iterable[str], ids: Sequence[str] = ()) -> list[Found]:
    """The dead letters of these services. Raises: CliError."""
    with opened_broker(settings) as connection:
        found = [one for service in services for one in letters_in(connection, settings, service)]
    return [(letter, message) for letter, message in found if not ids or letter.id in ids]


def replay(databases: Databases, wanted: Wanted) -> list[AuditEntry]:
    """Sends letters back to where they died; one is taken out only when that has arrived.

    An event goes to the queue of the one consumer that could not take it. A call is made again, and
    counts as done when it is answered without an error.
    """
    with ExitStack() as stack:
        chosen = list(_chosen(stack, databases.settings, wanted))
        # Not the connection that holds the letters: a broker short of disk stops reading from those
        # that publish.
        sender = stack.enter_context(opened_broker(databases.settings))
        return [_replayed(databases, sender, wanted, letter, message) for letter, message in chosen]


def drop(databases: Databases, wanted: Wanted) -> list[AuditEntry]:
    """Lets letters go; the record of the act keeps what was in them."""
    with ExitStack() as stack:
        chosen = _chosen(stack, databases.settings, wanted)
        return [_dropped(databases, wanted, letter, message) for letter, message in chosen]


def _chosen(stack: ExitStack, settings: Settings, wanted: Wanted) -> Iterator[Found]:
    holder = stack.enter_context(opened_broker(settings))
    for service in wanted.services:
        messages = stack.enter_context(all_in(holder, topology.dead_letter_queue(settings, service)))
        for message in messages:
            letter = dead_letter_of(settings, service, message)
            if not wanted.ids or letter.id in wanted.ids:
                yield letter, message


def _replayed(
    databases: Databases, sender: Any, wanted: Wanted, letter: DeadLetter, message: Any
) -> AuditEntry:
    refused = letter.refused and (letter.kind == UNKNOWN or not wanted.anyway)
    if refused:
        return AuditEntry(
            letter.service, "dead-letters replay", letter.id, f"kept: {letter.refused}", done=False
        )
    to = letter.queue if letter.kind == EVENT else letter.name
    done, outcome = True, f"sent to {to}"
    if not wanted.dry_run:
        _record(databases, "dead-letters replay", letter, wanted.reason)
        if letter.kind == EVENT:
            publish(sender, _event(message), "", letter.queue)
        else:
            done, outcome = _called(databases.settings, sender, letter, message)
        if done:
            message.channel.basic_ack(message.delivery_tag)
    return AuditEntry(letter.service, "dead-letters replay", letter.id, outcome, done)


def _event(message: Any) -> Any:
    """The event as its owner published it: what the broker added when it died stays behind."""
    kept = {k: v for k, v in (message.headers or {}).items() if str(k).startswith(HEADER_PREFIX)}
    return amqp.Message(
        message.body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=PERSISTENT,
        application_headers=kept,
        message_id=message.properties.get("message_id", ""),
    )


def _called(settings: Settings, sender: Any, letter: DeadLetter, message: Any) -> tuple[bool, str]:
    request_id = str(uuid.uuid4())
    reply = call_again(sender, settings, message, letter.name, request_id)
    if reply is None and _is_dead_lettered_again(settings, letter, message, request_id):
        return True, "it could not be answered again: a new dead letter stands for it"
    if reply is None:
        return False, f"kept: {letter.name} did not answer within {settings.rpc_deadline_seconds:g} s"
    if reply["error"]:
        return False, f"kept: {letter.name} answered {reply['error']['exc_type']}: {reply['error']['value']}"
    return True, f"answered: {without_secrets(json.dumps(reply['result']))}"


def _is_dead_lettered_again(settings: Settings, letter: DeadLetter, message: Any, request_id: str) -> bool:
    queue = topology.dead_letter_queue(settings, letter.service)
    while (fresh := message.channel.basic_get(queue)) is not None:
        if (fresh.headers or {}).get(REQUEST_ID) == request_id:
            return True
    return False


def _dropped(databases: Databases, wanted: Wanted, letter: DeadLetter, message: Any) -> AuditEntry:
    if not wanted.dry_run:
        body = without_secrets(text_in(message)).replace("\x00", "�")
        _record(databases, "dead-letters drop", letter, wanted.reason, body=body)
        message.channel.basic_ack(message.delivery_tag)
    return AuditEntry(
        letter.service, "dead-letters drop", letter.id, f"dropped: {letter.kind} {letter.name}".strip()
    )


def _record(databases: Databases, act: str, letter: DeadLetter, reason: str | None, **details: Any) -> None:
    """Noted before it is done: the broker has no part in the transaction."""
    facts = {name: getattr(letter, name) for name in ("kind", "name", "queue", "died_at")}
    databases.write(letter.service, lambda c: record(c, act, letter.id, reason, **facts, **details))
