"""One broker user for each process, with the rights it needs and no others.

`python3 -m cli.broker_rights` gives them to RabbitMQ through its management page; it is safe to repeat.
"""

import base64
import hashlib
import http
import json
import os
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from chassis.amqp import topology
from cli.support.errors import CliError, handle_errors
from kit.contracts import Event
from kit.replies import reply_pattern
from kit.security.strength import weakness_of_password
from kit.settings import BadSetting, Common, Settings, load, raw_value
from services.registry import NAMES, all_events, calls_of

GATEWAY, MIGRATE, OPERATIONS, OPERATOR, VHOST = "gateway", "migrate", "operations", "operator", "/"
USERS = (*NAMES, GATEWAY, MIGRATE, OPERATIONS)
DEFAULT_EXCHANGE = "amq.default"  # as RabbitMQ calls it where rights are asked
COOKIE = "RABBITMQ_ERLANG_COOKIE"  # of a cluster; whoever knows it commands every node
FORMER_PASSWORD = "demo-operator"  # noqa: S105 - of earlier releases; it is replaced at once
NOTHING = "^$"
TIMEOUT_SECONDS = 10.0


class NotSignedIn(CliError):
    """RabbitMQ knows the operator by another password."""


@dataclass(frozen=True)
class Rights:
    """What one user may configure, write and read: patterns of names, as RabbitMQ has them.

    `topics` narrows an exchange's routing keys further: what may be published, what may be bound.
    """

    user: str
    configure: str
    write: str
    read: str
    topics: Mapping[str, tuple[str, str]]


def rights_of_service(settings: Settings, service: str, events: Iterable[Event]) -> Rights:
    """A service takes its own calls and events, answers, asks those it knows, and publishes its own."""
    calls, prefix = topology.rpc_exchange(settings), re.escape(settings.broker_prefix)
    asked = [re.escape(method.routing_key) for method in calls_of(service)]
    replies = [f"{prefix}rpc\\.reply\\.{service}-.+"] if asked else []
    own = [topology.rpc_queue(settings, service)]
    own += [topology.event_queue(settings, e, service) for e in events if service in e.consumers]
    publishes = [topology.events_exchange(settings, service), topology.dead_letter_exchange(settings)]
    return Rights(
        user=service,
        configure=_one_of(replies),
        write=_one_of([*map(re.escape, [calls, *publishes]), *replies]),
        read=_one_of([*map(re.escape, [*own, *([calls] if asked else [])]), *replies]),
        topics={
            calls: (
                _one_of([reply_pattern(service), *asked]),
                _one_of(_own_replies(f"{service}-[^.]+") if asked else []),
            )
        },
    )


def rights_of_gateway(settings: Settings, events: Iterable[Event]) -> Rights:
    """A gateway calls services, hears their live events and other gateways' counts, on queues of its own."""
    calls, prefix = topology.rpc_exchange(settings), re.escape(settings.broker_prefix)
    gateways = topology.gateways_exchange(settings)
    queues = [f"{prefix}rpc\\.reply-gateway-.+", f"{prefix}live-gateway-.+"]
    heard: dict[str, list[str]] = {}
    for event in events:
        if event.live:
            exchange = topology.events_exchange(settings, event.owner)
            heard.setdefault(exchange, []).extend(map(re.escape, event.binding_keys()))
    services = _one_of([f"{name}\\..+" for name in NAMES])
    return Rights(
        user=GATEWAY,
        configure=_one_of(queues),
        write=_one_of([*map(re.escape, [calls, gateways]), *queues]),
        read=_one_of([*map(re.escape, [calls, gateways, *heard]), *queues]),
        topics={
            calls: (services, _one_of([*_own_replies("gateway-[0-9a-f]{32}"), "reply\\.[0-9a-f]{32}"])),
            **{exchange: (NOTHING, _one_of(keys)) for exchange, keys in heard.items()},
        },
    )


def rights_of_migrate(settings: Settings, events: Iterable[Event]) -> Rights:
    """Alone declares what is shared. It never publishes, and takes nothing out of a queue of calls."""
    events = list(events)
    queues = list(topology.queue_names(settings, NAMES, events))
    consumed = [topology.event_queue(settings, e, consumer) for e in events for consumer in e.consumers]
    owned = [topology.events_exchange(settings, name) for name in NAMES]
    calls, dead = topology.rpc_exchange(settings), topology.dead_letter_exchange(settings)
    shared = [*owned, calls, dead, topology.gateways_exchange(settings)]
    return Rights(
        user=MIGRATE,
        configure=_one_of(map(re.escape, [*queues, *shared])),
        # RabbitMQ asks for these rights when a queue with dead letters is declared, and when one is bound.
        write=_one_of(map(re.escape, [*queues, dead])),
        read=_one_of(map(re.escape, [*consumed, *owned, calls, dead])),
        topics={calls: (NOTHING, _one_of([f"{name}\\.\\*" for name in NAMES]))},
    )


def rights_of_operations(settings: Settings) -> Rights:
    """The operators' commands take dead letters, send events back to queues, and make calls again."""
    calls, prefix = topology.rpc_exchange(settings), re.escape(settings.broker_prefix)
    replies = f"{prefix}rpc\\.reply\\.operations-.+"
    letters = [topology.dead_letter_queue(settings, name) for name in NAMES]
    return Rights(
        user=OPERATIONS,
        configure=_one_of([replies]),
        write=_one_of([re.escape(DEFAULT_EXCHANGE), re.escape(calls), replies]),
        read=_one_of([*map(re.escape, [*letters, calls]), replies]),
        topics={
            calls: (_one_of([f"{name}\\..+" for name in NAMES]), _one_of(_own_replies("operations-[^.]+")))
        },
    )


def all_rights(settings: Settings) -> list[Rights]:
    """The rights of every user."""
    events = all_events()
    services = [rights_of_service(settings, name, events) for name in NAMES]
    others = (rights_of_gateway(settings, events), rights_of_migrate(settings, events))
    return [*services, *others, rights_of_operations(settings)]


def definitions(settings: Settings, passwords: Mapping[str, str]) -> dict[str, Any]:
    """All users and rights as a document of RabbitMQ's definitions; passwords are in it as salted hashes."""
    rights = all_rights(settings)
    return {
        "users": [_user(user, password) for user, password in passwords.items()],
        "permissions": [
            {"user": r.user, "vhost": VHOST, "configure": r.configure, "write": r.write, "read": r.read}
            for r in rights
        ],
        "topic_permissions": [
            {"user": r.user, "vhost": VHOST, "exchange": exchange, "write": write, "read": read}
            for r in rights
            for exchange, (write, read) in r.topics.items()
        ],
    }


def grant(management_url: str, operator_password: str, document: dict[str, Any]) -> None:
    """Hands the definitions to RabbitMQ, and makes the operator's password the given one.

    A volume of an earlier release still has the password of that time. Raises: CliError when RabbitMQ is
    away or refuses.
    """
    document = {
        **document,
        "users": [*document["users"], _user(OPERATOR, operator_password, "administrator")],
    }
    try:
        _import(management_url, operator_password, document)
    except NotSignedIn:
        _import(management_url, FORMER_PASSWORD, document)


def _import(management_url: str, password: str, document: dict[str, Any]) -> None:
    credentials = base64.b64encode(f"{OPERATOR}:{password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 (the operator's own setting)
        f"{management_url}/api/definitions",
        data=json.dumps(document).encode(),
        headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")
        kind = NotSignedIn if error.code == http.HTTPStatus.UNAUTHORIZED else CliError
        raise kind(f"RabbitMQ refused the rights ({error.code}): {reason}") from error
    except OSError as error:
        raise CliError(f"RabbitMQ's management page cannot be reached: {error}") from error


def read_password(name: str, is_production: bool) -> str:
    """A password of the environment. Raises: BadSetting when it is missing, or weak in production."""
    password = raw_value(name)
    if not password:
        raise BadSetting(f"{name} is missing.")
    if is_production and (why := weakness_of_password(password)):
        raise BadSetting(f"{name}: production refuses the password, since it {why}")
    return password


@click.command()
def main() -> None:
    """Gives every broker user its rights. Passwords and address are environment variables."""
    with handle_errors():
        is_production = load(Common).is_production
        # Of the settings of services only this one matters here; passwords are read one by one.
        settings = Settings(broker_prefix=os.environ.get("BROKER_PREFIX", ""))
        operator = read_password("RABBITMQ_PASSWORD", is_production)
        passwords = {
            user: read_password(f"RABBITMQ_PASSWORD_{user.upper()}", is_production) for user in USERS
        }
        if raw_value(COOKIE):
            read_password(COOKIE, is_production)
        url = os.environ.get("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:15672")
        grant(url, operator, definitions(settings, passwords))
        click.echo(f"{len(passwords)} broker users have their rights")


def _user(name: str, password: str, *tags: str) -> dict[str, Any]:
    # https://www.rabbitmq.com/docs/passwords#computing-password-hash
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    algorithm = "rabbit_password_hashing_sha256"
    return {"name": name, "password_hash": hashed, "hashing_algorithm": algorithm, "tags": list(tags)}


def _own_replies(caller: str) -> list[str]:
    """What a caller may bind its queue to: today's key, and that of processes of before it."""
    return [rf"reply\.\*\.{caller}", rf"reply\.{caller}"]


def _one_of(patterns: Iterable[str]) -> str:
    alternatives = "|".join(patterns)
    return f"^({alternatives})$" if alternatives else NOTHING


if __name__ == "__main__":
    main()
