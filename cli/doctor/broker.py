"""Whether RabbitMQ answers, has every exchange and queue as it must be, and somebody reads them.

Nothing is made or changed: what is missing is found by passive declarations, and what differs by
a declaration that RabbitMQ refuses (406), each in a channel of its own.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from amqp.exceptions import AccessRefused, AMQPError, NotFound, PreconditionFailed

from chassis.amqp import topology
from chassis.amqp.topology import Queue
from cli.doctor.checks import Finding, failed, ok, warning
from cli.operations.configuration import masked
from cli.support.broker import connected, in_own_channel
from kit.settings import Settings
from services import registry

SUBJECT = "broker"
OLDEST_VERSION = (3, 10)
ALARM_SECONDS = 0.5
SCHEMES = ("amqp://", "amqps://", "pyamqp://")
BACKLOG = 1000
MISSING = "missing"
MIGRATE = "Run `microtasks migrate`."
REMAKE = (
    "Stop its consumer, move its messages away, delete it and run `microtasks migrate`; "
    "or set RPC_QUEUE_TYPE to what it is."
)

Declare = Callable[..., Any]


def examine_broker(settings: Settings, services: Collection[str]) -> Iterator[Finding]:
    """Looks at RabbitMQ, and at what belongs to `services`."""
    alarms: list[str] = []
    if not settings.amqp_url.startswith(SCHEMES):
        yield _no_address()
        return
    try:
        with connected(settings, alarms.append) as connection:
            yield _reachable(connection, masked(settings.amqp_url))
            yield from _exchanges(connection, settings, services)
            for service in services:
                yield from _queues_of(connection, settings, service)
            yield _accepts_messages(connection, alarms)
    except ValueError:  # a port that is no number
        yield _no_address()
    except (AMQPError, OSError) as error:
        yield _unreachable(masked(settings.amqp_url), error)


def _no_address() -> Finding:
    found = "AMQP_URL is no address of RabbitMQ: amqp://account:password@host:5672/virtual-host"
    return failed(SUBJECT, "reachable", found, "Fix AMQP_URL.")


def _unreachable(address: str, error: Exception) -> Finding:
    found = f"{address}: {str(error) or type(error).__name__}"
    if isinstance(error, AMQPError):
        return failed(SUBJECT, "reachable", found, "Fix the account or the virtual host in AMQP_URL.")
    return failed(SUBJECT, "reachable", found, "Start RabbitMQ, or fix AMQP_URL.")


def _reachable(connection: Any, address: str) -> Finding:
    version = str(connection.connection.server_properties.get("version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_VERSION:
        return warning(SUBJECT, "reachable", f"RabbitMQ {version} is too old.", "Use 3.10 or newer.")
    return ok(SUBJECT, "reachable", f"RabbitMQ {version} at {address}")


def _exchanges(connection: Any, settings: Settings, services: Collection[str]) -> Iterator[Finding]:
    expected = topology.exchanges(settings, services)
    states = {name: _exchange_state(connection, name, kind) for name, kind in expected}
    yield from _wrong(SUBJECT, "exchanges", states)


def _exchange_state(connection: Any, name: str, kind: str) -> Any:
    def declare(channel: Any, **options: Any) -> Any:
        return channel.exchange_declare(name, kind, **options)

    return _state(connection, declare, {"durable": True, "auto_delete": False})


def _queues_of(connection: Any, settings: Settings, service: str) -> Iterator[Finding]:
    subject = f"{service} queues"
    queues = topology.queues(settings, [service], registry.all_events())
    states = {queue: _queue_state(connection, queue) for queue in queues if queue.service == service}
    yield from _wrong(subject, "queues", {queue.name: state for queue, state in states.items()})
    answers = {queue: state for queue, state in states.items() if not isinstance(state, str)}
    yield from _consumers(subject, service, answers)
    yield from _waiting(subject, answers)


def _queue_state(connection: Any, queue: Queue) -> Any:
    def declare(channel: Any, **options: Any) -> Any:
        return channel.queue_declare(queue.name, **options)

    return _state(connection, declare, {"durable": True, "auto_delete": False, "arguments": queue.arguments})


def _wrong(subject: str, check: str, states: dict[str, Any]) -> Iterator[Finding]:
    """One finding for all that is missing, one for each that differs, or that all is well."""
    missing = [name for name, state in states.items() if state == MISSING]
    if missing:
        all_of_them = len(missing) == len(states)
        found = f"all {len(states)} are missing" if all_of_them else f"missing: {', '.join(missing)}"
        yield failed(subject, check, found, MIGRATE)
    differing = {name: state for name, state in states.items() if isinstance(state, str) and state != MISSING}
    for name, state in differing.items():
        yield failed(subject, check, f"{name} {state}", REMAKE)
    if not missing and not differing:
        yield ok(subject, check, f"all {len(states)} are there, with their types")


def _state(connection: Any, declare: Declare, as_expected: dict[str, Any]) -> Any:
    """RabbitMQ's answer, or words that say what is wrong."""
    try:
        answer = in_own_channel(connection, lambda channel: declare(channel, passive=True))
    except NotFound:
        return MISSING
    try:
        in_own_channel(connection, lambda channel: declare(channel, **as_expected))
    except PreconditionFailed as error:
        return f"differs: {str(error.reply_text).partition(' - ')[2]}"
    except AccessRefused:
        pass  # this account may not declare, so only existence is known
    return answer


def _consumers(subject: str, service: str, answers: dict[Queue, Any]) -> Iterator[Finding]:
    read = {q: answer.consumer_count for q, answer in answers.items() if q.purpose != "dead letters"}
    unread = [queue.name for queue, consumers in read.items() if not consumers]
    processes = max((n for queue, n in read.items() if queue.purpose == "calls"), default=0)
    if not read:
        return
    if not any(read.values()):
        yield failed(
            subject, "consumers", f"{service} is not running.", f"Start `microtasks serve {service}`."
        )
    elif unread:
        advice = f"Restart {service}; its log says why it does not read them."
        yield failed(subject, "consumers", f"Nobody reads {', '.join(unread)}.", advice)
    else:
        yield ok(subject, "consumers", f"{processes} running")


def _waiting(subject: str, answers: dict[Queue, Any]) -> Iterator[Finding]:
    for queue, answer in answers.items():
        if queue.purpose == "dead letters":
            if answer.message_count == 0:
                yield ok(subject, "dead letters", "none")
                continue
            command = f"microtasks dead-letters list --service {queue.service}"
            advice = f"`{command}` says why; fix the cause, then replay them."
            yield warning(subject, "dead letters", f"{answer.message_count} wait.", advice)
        elif answer.message_count > BACKLOG:
            advice = "Start more processes of this service, or see in its log what holds it up."
            yield warning(
                subject, "backlog", f"{answer.message_count} messages wait in {queue.name}.", advice
            )


def _accepts_messages(connection: Any, alarms: list[str]) -> Finding:
    """Publishes to nobody: under a memory or disk alarm RabbitMQ says so, and reads no further."""
    channel = connection.channel()
    channel.basic_publish(
        channel.prepare_message("doctor", content_encoding="utf-8"),
        exchange="",
        routing_key="microtasks-doctor",
    )
    may_publish = True
    try:
        connection.drain_events(timeout=ALARM_SECONDS)
    except TimeoutError:
        pass  # nothing was said: the message was taken
    except AccessRefused:
        may_publish = False
    if alarms:
        advice = "Free its disk or memory; until then events wait in the outboxes and calls are refused."
        return failed(SUBJECT, "alarms", f"RabbitMQ takes no messages: {alarms[0]}.", advice)
    return ok(
        SUBJECT, "alarms", "it takes messages" if may_publish else "unknown: this account may not publish"
    )
