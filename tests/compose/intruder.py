"""What a stolen password is good for: runs with a service's own credentials and tries all that is not its.

Prints a JSON object: each attempt and whether the server `allowed` or `refused` it. Needs AMQP_URL,
for the databases DATABASE_URL, and for what a stolen token opens that token, as it came in a call.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import amqp
import psycopg2

SERVICES = ("accounts", "catalog", "orders", "messaging", "reviews", "payments")
GATEWAY = "http://gateway:8000"
NO_ORDER = "01890000-0000-7000-8000-0000000000f1"
ASKED_BY_SERVICES = ("catalog.get_offer", "orders.get_order")
REPLIES_OF_OTHERS = ("reply.*.gateway-1", "reply.*.operations-1", "reply.gateway-1", "reply.*.*", "reply.#")
Attempt = Callable[[Any], object]


def main(me: str, token: str = "") -> None:
    """Tries everything and reports."""
    outcomes = {name: _outcome(attempt) for name, attempt in _at_the_broker(me)}
    if "DATABASE_URL" in os.environ:
        outcomes |= {f"read database {name}": _reads(name) for name in (*SERVICES, "postgres")}
    if token:
        outcomes["use a caller's token at the gateway"] = _asks_gateway(token)
        asking = partial(_call, me, "orders.get_order", token)
        outcomes["use a caller's token at orders"] = _outcome(asking)
    print(json.dumps(outcomes))  # noqa: T201


def _at_the_broker(me: str) -> Iterator[tuple[str, Attempt]]:
    for service in SERVICES:
        yield f"call {service}", partial(_publish, "nameko-rpc", f"{service}.no_such_method")
        yield f"reply as {service}", partial(_publish, "nameko-rpc", f"reply.{service}.gateway-1")
        yield f"publish {service}.events", partial(_publish, f"{service}.events", "no_such_event")
        if service != me:
            for act in ("basic_consume", "basic_get", "queue_purge"):
                yield f"{act} rpc-{service}", partial(_do, act, f"rpc-{service}")
    for method in ASKED_BY_SERVICES:
        yield f"call {method}", partial(_publish, "nameko-rpc", method)
    consumer = "messaging" if me == "reviews" else "reviews"
    events = f"evt-orders.events-order_status_changed--{consumer}.on_order_status_changed"
    yield f"take events of {consumer}", partial(_do, "basic_get", events)
    for queue in ("rpc-orders", events, "rpc.reply-gateway-1"):
        yield f"publish into {queue}", partial(_publish, "", queue)
    yield from _with_queues_of_its_own(me, "catalog" if me == "orders" else "orders")
    yield "publish as another user", partial(_publish, f"{me}.events", "none", user_id="operator")
    yield "take dead letters", partial(_do, "basic_get", "dead-letters-orders")
    yield "delete the calls' exchange", partial(_do, "exchange_delete", "nameko-rpc")
    yield "check whether a queue exists", _check_queue


def _with_queues_of_its_own(me: str, other: str) -> Iterator[tuple[str, Attempt]]:
    yield "declare a queue", partial(_do, "queue_declare", "spy")
    own = f"rpc.reply.{me}-test"
    for key in (f"reply.*.{me}-1", *REPLIES_OF_OTHERS, f"reply.*.{other}-1", "orders.*", "#"):
        yield f"receive {key}", partial(_bind_queue, own, key)
    for name in ("gateway", "operations", other):
        yield (
            f"declare replies of {name}",
            partial(_bind_queue, f"rpc.reply.{name}-test", f"reply.*.{name}-1"),
        )
    for exchange in ("", f"{other}.events", "dead-letters"):
        yield f"dead-letter to {exchange!r}", partial(_dead_letter, own, exchange)


def _publish(exchange: str, key: str, channel: Any, **properties: Any) -> None:
    channel.basic_publish_confirm(amqp.Message("{}", **properties), exchange=exchange, routing_key=key)


def _do(act: str, name: str, channel: Any) -> None:
    getattr(channel, act)(name)


def _bind_queue(queue: str, key: str, channel: Any) -> None:
    channel.queue_declare(queue, exclusive=True, auto_delete=True)
    channel.queue_bind(queue, "nameko-rpc", key)


def _dead_letter(queue: str, exchange: str, channel: Any) -> None:
    arguments = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": "rpc-orders"}
    channel.queue_declare(queue, exclusive=True, auto_delete=True, arguments=arguments)


def _check_queue(channel: Any) -> None:
    channel.queue_declare("rpc-catalog", passive=True)


def _asks_gateway(token: str) -> str:
    request = urllib.request.Request(f"{GATEWAY}/v1/me", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10):
            return "allowed"
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        return "refused"


def _call(me: str, method: str, token: str, channel: Any) -> None:
    """Calls a method as a caller of one's own; what the service answers for want of a token is a refusal."""
    name, call_id = f"{me}-intruder", "1"
    queue, reply_to = f"rpc.reply.{name}", f"reply.{method.split('.')[0]}.{name}"
    replies: list[Any] = []
    _bind_queue(queue, f"reply.*.{name}", channel)
    channel.basic_consume(queue, no_ack=True, callback=replies.append)
    body = json.dumps({"args": [], "kwargs": {"order_id": NO_ORDER}})
    call = amqp.Message(
        body,
        content_type="application/json",
        reply_to=reply_to,
        correlation_id=call_id,
        application_headers={"nameko.access_token": token},
    )
    channel.basic_publish_confirm(call, exchange="nameko-rpc", routing_key=method)
    while not replies:
        channel.connection.drain_events(timeout=10)
    if json.loads(replies[0].body)["error"]["kind"] == "unauthenticated":
        raise amqp.exceptions.AccessRefused


def _outcome(attempt: Attempt) -> str:
    parts = urlsplit(os.environ["AMQP_URL"])
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=parts.username,
        password=parts.password,
        confirm_publish=True,
        read_timeout=10,
    )
    connection.connect()
    try:
        attempt(connection.channel())
    except (amqp.exceptions.AccessRefused, amqp.exceptions.PreconditionFailed):
        return "refused"
    finally:
        connection.close()
    return "allowed"


def _reads(database: str) -> str:
    name = database if database == "postgres" else f"microtasks_{database}"
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError as error:
        if "permission denied" not in str(error):
            raise
        return "refused"
    return "allowed"


if __name__ == "__main__":
    main(*sys.argv[1:])
