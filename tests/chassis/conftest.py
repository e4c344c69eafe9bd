"""The echo service as a process on real servers, and a plain AMQP client to talk to it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import amqp
import pytest
import sqlalchemy as sa

from chassis.amqp import topology
from chassis.storage.database import Db, database_url, make_engine
from chassis.storage.tables import METADATA
from kit.contracts import Rpc
from kit.settings import Settings, load
from services.migrations import create_database
from tests.chassis import echo_contract as contract
from tests.support.codebase import ROOT
from tests.support.servers import broker_connection, eventually, free_port


class Echo:
    """The process, its database and a client of its queue."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.log = folder / "echo.log"
        self.engine = make_engine(settings, "echo")
        self.db = Db(self.engine)
        self._process: subprocess.Popen[bytes] | None = None
        self._dead_letters: list[Any] = []

    def start(self, **environment: str) -> None:
        self.launch(**environment)
        eventually(lambda: self.status("/readyz") == 200, 20, "echo is ready")

    def launch(self, **environment: str) -> None:
        """Starts it without waiting until it is ready."""
        own = {
            "BROKER_PREFIX": self.settings.broker_prefix,
            "DATABASE_URL": self.settings.database_url,
            "METRICS_PORT": str(self.settings.metrics_port),
            "RELAY_INTERVAL_SECONDS": "0.3",
            "EVENT_RETRY_SECONDS": "0.1",
            "EVENT_ATTEMPTS": "3",
        }
        command = [sys.executable, "-W", "ignore", "-m", "tests.chassis.echo"]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **own, **environment}, stdout=log, stderr=log
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Waits for its end; the exit code."""
        assert self._process is not None
        return self._process.wait(20)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.metrics_port}{path}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metrics(self) -> str:
        """What it serves for Prometheus."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.metrics_port}/metrics") as answer:
            return str(answer.read().decode())

    def notes(self) -> list[str]:
        rows = self.db.read(lambda c: c.execute(sa.text("SELECT text FROM notes ORDER BY id")).all())
        return [row.text for row in rows]

    def note(self, text: str) -> None:
        self.db.write(lambda c: c.execute(sa.text("INSERT INTO notes (text) VALUES (:t)"), {"t": text}))

    def rows(self, sql: str) -> list[Any]:
        return self.db.read(lambda c: list(c.execute(sa.text(sql)).all()))

    def call(self, method: Rpc, text: str = "hi", key: str | None = None, **headers: Any) -> dict[str, Any]:
        """The raw reply to one call."""
        if key is not None:
            headers |= {"idempotency_key": key, "idempotency_scope": "me", "idempotency_fingerprint": text}
        body = json.dumps({"args": [], "kwargs": {"text": text}})
        reply = self.send(method.routing_key, body, headers)
        assert reply is not None
        return reply

    def send(
        self,
        routing_key: str,
        body: str | bytes,
        headers: dict[str, Any],
        replies: bool = True,
        **properties: Any,
    ) -> dict[str, Any] | None:
        with closing(broker_connection(self.settings.amqp_url)) as connection:
            channel = connection.channel()
            address = f"reply.test-{uuid.uuid4()}"
            queue = channel.queue_declare("", exclusive=True).queue
            channel.queue_bind(queue, topology.rpc_exchange(self.settings), address)
            message = amqp.Message(
                body,
                content_type="application/json",
                application_headers={f"nameko.{name}": value for name, value in headers.items()},
                **({"reply_to": address, "correlation_id": "c"} if replies else {}),
                **properties,
            )
            channel.basic_publish(message, topology.rpc_exchange(self.settings), routing_key)
            found: list[Any] = []

            def answered() -> bool:
                found.append(channel.basic_get(queue, no_ack=True))
                return found[-1] is not None

            if not replies:
                return None
            eventually(answered, 10, f"an answer to {routing_key}")
            reply: dict[str, Any] = json.loads(found[-1].body)
            return reply

    def publish_event(self, body: str, **properties: Any) -> None:
        with closing(broker_connection(self.settings.amqp_url)) as connection:
            channel = connection.channel()
            exchange = topology.events_exchange(self.settings, "echo")
            message = amqp.Message(body, delivery_mode=2, **properties)
            channel.basic_publish(message, exchange, contract.THING_DONE.type)

    def dead_letters(self) -> list[Any]:
        """Those seen so far; each is taken from the queue once."""
        with closing(broker_connection(self.settings.amqp_url)) as connection:
            channel = connection.channel()
            queue = topology.dead_letter_queue(self.settings, "echo")
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                self._dead_letters.append(message)
        return self._dead_letters

    def drop(self) -> None:
        self.engine.dispose()
        with closing(broker_connection(self.settings.amqp_url)) as connection:
            channel = connection.channel()
            for queue in topology.queue_names(self.settings, ["echo"], [contract.THING_DONE]):
                channel.queue_delete(queue)
            channel.exchange_delete(topology.events_exchange(self.settings, "echo"))
            channel.exchange_delete(topology.rpc_exchange(self.settings))
            channel.exchange_delete(topology.dead_letter_exchange(self.settings))


def make_echo_database(settings: Settings) -> None:
    url = database_url(settings, "echo")
    create_database(url)
    engine = sa.create_engine(url)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (id bigserial PRIMARY KEY, text text NOT NULL)"))
    engine.dispose()


@pytest.fixture
def echo_settings(servers: Settings) -> Settings:
    """A database and broker names of this test's own."""
    own = f"{servers.broker_prefix}{uuid.uuid4().hex[:6]}-"
    database = servers.database_url.replace("{service}", f"echo_{uuid.uuid4().hex[:6]}")
    settings = load(Settings, broker_prefix=own, database_url=database, metrics_port=free_port())
    make_echo_database(settings)
    return settings


@pytest.fixture
def echo(echo_settings: Settings, tmp_path: Path) -> Iterator[Echo]:
    """The running echo service."""
    topology.declare(echo_settings, ["echo"], [contract.THING_DONE])
    echo = Echo(echo_settings, tmp_path)
    try:
        echo.start()
        yield echo
    finally:  # also of one that was not ready in time
        if echo.is_running():
            echo.kill()
        echo.drop()


@pytest.fixture
def db(echo_settings: Settings) -> Iterator[Db]:
    """The echo database without the process."""
    engine = make_engine(echo_settings, "echo")
    yield Db(engine)
    engine.dispose()
