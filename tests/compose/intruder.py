"""What a stolen password is good for: runs inside a service's container and tries what is not its business.

Prints a JSON object: each attempt and whether it was `allowed` or `refused`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import amqp
import psycopg2

SERVICES = ("accounts", "catalog", "orders", "messaging", "reviews", "payments")
Attempt = Callable[[Any], object]


def main(me: str) -> None:
    """Tries everything and reports."""
    outcomes = {name: _outcome(attempt) for name, attempt in _at_the_broker(me)}
    outcomes |= {f"read database {name}": _reads(name) for name in (*SERVICES, "postgres")}
    print(json.dumps(outcomes))  # noqa: T201


def _at_the_broker(me: str) -> Iterator[tuple[str, Attempt]]:
    for service in SERVICES:
        yield f"call {service}", partial(_publish, "nameko-rpc", f"{service}.no_such_method")
        yield f"publish {service}.events", partial(_publish, f"{service}.events", "no_such_event")
        if service != me:
            for act in ("basic_consume", "basic_get", "queue_purge"):
                yield f"{act} rpc-{service}", partial(_do, act, f"rpc-{service}")
    consumer = "messaging" if me == "reviews" else "reviews"
    events = f"evt-orders.events-order_status_changed--{consumer}.on_order_status_changed"
    yield f"take events of {consumer}", partial(_do, "basic_get", events)
    yield "take dead letters", partial(_do, "basic_get", "dead-letters-orders")
    yield "declare a queue", partial(_do, "queue_declare", "spy")
    yield "delete the calls' exchange", partial(_do, "exchange_delete", "nameko-rpc")
    for key in (f"reply.{me}-1", "orders.*", "#", "reply.#"):
        yield f"hear {key}", partial(_hear, f"rpc.reply.{me}-test", key)
    yield "look who is there", _look


def _publish(exchange: str, key: str, channel: Any) -> None:
    channel.basic_publish_confirm(amqp.Message("{}"), exchange=exchange, routing_key=key)


def _do(act: str, name: str, channel: Any) -> None:
    getattr(channel, act)(name)


def _hear(queue: str, key: str, channel: Any) -> None:
    channel.queue_declare(queue, exclusive=True, auto_delete=True)
    channel.queue_bind(queue, "nameko-rpc", key)


def _look(channel: Any) -> None:
    channel.queue_declare("rpc-catalog", passive=True)


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
    except amqp.exceptions.AccessRefused:
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
    main(sys.argv[1])
