"""Connects tests to real servers, and waits for conditions."""

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import amqp
import psycopg2
import pytest

AMQP_URL = "amqp://guest:guest@127.0.0.1:5672//"
DATABASE_URL = "postgresql://postgres@127.0.0.1:5432/postgres"
MISSING = "MICROTASKS_TESTS_MISSING"  # tells test processes which servers are missing
NOT_RUN = "not run: no "
OWN_PORTS = (20_000, 32_000)  # below the usual ephemeral ports


def require_servers() -> None:
    """Skips a test when there are no servers; with REQUIRE_SERVERS=1 that is a failure."""
    if missing := os.environ.get(MISSING):
        not_run(missing)


def not_run(missing: str) -> NoReturn:
    """Skips a test that lacks something; with REQUIRE_SERVERS=1 that is a failure."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(NOT_RUN + missing, pytrace=False)
    pytest.skip(NOT_RUN + missing)


def eventually(condition: Callable[[], object], within: float = 10.0, what: str = "") -> None:
    """Returns as soon as `condition` holds; fails after `within` seconds."""
    give_up_at = time.monotonic() + within
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {within:g} s: {what or condition}")
        time.sleep(0.05)


def free_port() -> int:
    """Returns a free port outside of the range of outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(*OWN_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def postgres_answers(url: str) -> bool:
    """Whether a query succeeds."""
    try:
        with contextlib.closing(psycopg2.connect(url, connect_timeout=2)) as connection:
            connection.cursor().execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


def broker_connection(url: str) -> amqp.Connection:
    """A plain connection, opened. What it publishes is in its queues when the call returns: a quorum
    queue may lose what nobody waits for when the connection closes at once."""
    parts = urlsplit(url)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port or 5672}",
        userid=parts.username or "guest",
        password=parts.password or "guest",
        virtual_host=parts.path[1:] or "/",
        connect_timeout=2,
        read_timeout=5,
        write_timeout=5,
        confirm_publish=True,
    )
    connection.connect()
    return connection


def broker_answers(url: str) -> bool:
    """Whether a connection can be opened."""
    try:
        broker_connection(url).close()
    except (OSError, amqp.exceptions.AMQPError):
        return False
    return True
