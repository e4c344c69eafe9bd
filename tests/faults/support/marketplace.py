"""A marketplace of separate processes on servers of its own, all of which may be hurt."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import amqp
import psycopg2

from chassis.amqp import topology
from kit.settings import Settings
from tests.faults.checker.databases import Databases
from tests.faults.load.request_log import RequestLog
from tests.faults.load.users import PASSWORD, User
from tests.faults.support.supervisor import Supervisor
from tests.support import codebase
from tests.support.private_postgres import PostgresServer
from tests.support.private_rabbit import RabbitServer
from tests.support.servers import broker_connection, eventually, with_database
from tests.support.small_disk import SmallDisk
from tests.support.stack import Stack

REPLICAS = {"orders": 2, "messaging": 2}
# Everything that happens by itself happens soon: clocks run out while the load is on.
FAST = {
    "RELAY_INTERVAL_SECONDS": "1",
    "EVENT_RETRY_SECONDS": "1",
    "TIMER_SECONDS": "2",
    "ORDER_EXPIRY_HOURS": str(40 / 3600),
    "CONFIRMATION_DAYS": str(30 / 86400),
    "REMINDER_DAYS": "0",
    "RELEASE_DAYS": "0",
    "PAYMENT_CHECK_SECONDS": "2",
    "SANDBOX_CALLBACK_SECONDS": "1",
    "REQUEST_LIMIT_PER_MINUTE": "100000",
    "CACHE_SECONDS": "3600",  # what is kept of an outage's eve is still there in it
    "LOG_LEVEL": "WARNING",
}
UNFINISHED = """
    SELECT id::text FROM payments WHERE status = 'processing'
    UNION ALL SELECT id::text FROM refunds WHERE status = 'processing'
    UNION ALL SELECT id::text FROM payouts WHERE status = 'processing'
"""
READY_SECONDS, QUIET_SECONDS = 300.0, 300.0


class Marketplace:
    """Private servers, the processes on them, a supervisor, and the request log of all who live there."""

    def __init__(self, disk_megabytes: int = 0, **environment: str) -> None:
        """Given a size, the databases lie on a disk of that size (in `disk`); it needs root."""
        self.folder = Path(tempfile.mkdtemp(prefix="microtasks-faults-"))
        self.request_log = RequestLog()
        self.staff: User | None = None
        self._closing = ExitStack()
        self._closing.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.disk = SmallDisk(self.folder / "postgres", disk_megabytes)
        if disk_megabytes:
            self._closing.enter_context(self.disk)
        self.postgres = PostgresServer(self.disk.folder)
        self._closing.callback(self.postgres.close)
        self.rabbit = RabbitServer(self.folder / "rabbit")
        self._closing.callback(self.rabbit.close)
        self.settings = Settings(
            amqp_url=self.rabbit.url,
            database_url=with_database(self.postgres.url, "microtasks_{service}"),
        )
        self.stack = Stack(self.folder, self.settings, **{**FAST, **environment})
        self.supervisor = Supervisor(self.stack)

    def start(self, **replicas: int) -> None:
        """Servers, databases, queues, processes (two of orders and messaging, unless told) and staff."""
        self.start_servers()
        self.stack.migrate()
        self.start_processes(**replicas)

    def start_servers(self) -> None:
        """PostgreSQL and RabbitMQ, empty."""
        self.postgres.start()
        self.rabbit.start()

    def start_processes(self, **replicas: int) -> None:
        """All processes, on servers that are prepared, and one of the staff."""
        self._closing.enter_context(self.stack)
        self.stack.start_all(**{**REPLICAS, **replicas})
        self._closing.enter_context(self.supervisor)
        asyncio.run(self._employ())

    def close(self) -> None:
        """Ends every process and leaves nothing behind."""
        self._closing.close()

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.stack.url

    def reading(self) -> Databases:
        """All databases, for a block."""
        return Databases(self.database_url)

    def database_url(self, service: str) -> str:
        """Where a service's data is."""
        return self.settings.database_url.replace("{service}", service)

    @property
    def is_ready(self) -> bool:
        """Whether every process says so."""
        return all(process.is_running and process.says_ready for process in self.stack.processes)

    def recover(self) -> None:
        """Servers and processes run again, whatever was done to them, and are ready."""
        for server in (self.postgres, self.rabbit):
            if not server.is_running:
                server.start()
        for process in self.stack.processes:
            process.resume()  # which is nothing to one that runs
        self.supervisor.release_all()
        eventually(lambda: self.is_ready, READY_SECONDS, "every process is ready")

    def now(self) -> datetime:
        """The time by the servers' clock, which is this machine's."""
        return datetime.now(UTC)

    def backlog(self, since: datetime) -> set[tuple[str, str]]:
        """Events since a moment that are not sent or that some consumer has not taken: who lacks which."""
        with self.reading() as databases:
            return backlog(databases, since)

    def waiting(self) -> dict[str, int]:
        """Queues that hold messages, dead letters left aside."""
        found = self.queues()
        dead = {topology.dead_letter_queue(self.settings, service) for service in codebase.SERVICES}
        return {name: count for name, count in found.items() if count and name not in dead}

    def dead_letters(self) -> dict[str, int]:
        """Dead letters by service, where there are any."""
        found = self.queues()
        kept = {s: found[topology.dead_letter_queue(self.settings, s)] for s in codebase.SERVICES}
        return {service: count for service, count in kept.items() if count}

    def queues(self) -> dict[str, int]:
        """Every durable queue and how many messages are ready in it."""
        connection = broker_connection(self.rabbit.url)
        try:
            channel = connection.channel()
            names = topology.queue_names(self.settings, codebase.SERVICES, codebase.events())
            return {
                name: channel.queue_declare(name, passive=True).message_count for name in sorted(set(names))
            }
        finally:
            connection.close()

    def heads(self) -> list[Any]:
        """How far each outbox has got: when this has not changed, nothing has happened."""
        with self.reading() as databases:
            return [databases.rows(service, "SELECT max(id) FROM outbox") for service in codebase.SERVICES]

    def wait_until_quiet(self, backlog: Callable[[], object]) -> None:
        """Waits until nobody lacks an event and the queues are empty."""
        left: Any = None

        def is_quiet() -> bool:
            nonlocal left
            try:
                left = backlog() or self.waiting()
            except (psycopg2.Error, OSError, amqp.exceptions.AMQPError) as error:
                left = error
            return not left

        try:
            eventually(is_quiet, QUIET_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"it never got quiet: {left}") from error

    async def _employ(self) -> None:
        # A token knows the roles of its sign-in, so the staff sign in anew.
        user = User(self.url, self.request_log)
        await user.arrive()
        await asyncio.to_thread(self.stack.command, "accounts", "grant-staff", user.email)
        await user.client.close()
        self.staff = user

    async def staff_at_work(self) -> User:
        """The one of the staff, signed in on the running loop."""
        assert self.staff is not None
        at_work = User(self.url, self.request_log)
        at_work.id, at_work.email = self.staff.id, self.staff.email

        async def sign_in(_mark: str, key: str) -> Any:
            return await at_work.client.sign_in(at_work.email, PASSWORD, key=key)

        await self.request_log.attempt("session", sign_in, at_work.id)
        return at_work


def backlog(databases: Databases, since: datetime) -> set[tuple[str, str]]:
    """Events since a moment that somebody lacks: (`outbox of …` or the consumer, the event's id); and
    what payments still waits for."""
    moment = since.isoformat()
    taken = {
        (service, event_id)
        for service in codebase.SERVICES
        for (event_id,) in databases.rows(
            service, f"SELECT event_id::text FROM inbox WHERE processed_at >= '{moment}'"
        )
    }
    missing = {("an answer of the processor", id_) for (id_,) in databases.rows("payments", UNFINISHED)}
    recorded = (
        f"SELECT type, event_id::text, body, sent_at IS NULL FROM outbox WHERE created_at >= '{moment}'"
    )
    for owner in codebase.SERVICES:
        for type_, event_id, body, unsent in databases.rows(owner, recorded):
            if unsent:
                missing.add((f"outbox of {owner}", event_id))
            consumers = codebase.consumers_of(type_, body)
            missing.update((c, event_id) for c in consumers if (c, event_id) not in taken)
    return missing


def are_installed() -> bool:
    """Whether private servers can be started here."""
    return PostgresServer.is_installed() and RabbitServer.is_installed()
