"""The whole marketplace in one process: PostgreSQL beside it, a broker, five services and the gateway within.

The process must be green on eventlet's asyncio hub (`embedded.green`) before this is imported.
"""

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import eventlet
from eventlet.asyncio import spawn_for_awaitable
from nameko.containers import ServiceContainer
from sqlalchemy import func, select

from chassis import migrations, runner, topology
from chassis.database import Db, database_url, make_engine
from chassis.settings import load
from embedded import transport
from embedded.broker import Broker
from embedded.checking import check_settings
from embedded.gateway_link import EmbeddedEventFeed, EmbeddedRpcClient
from embedded.keys import secrets_of
from embedded.postgres import EmbeddedPostgres, PostgresFailed
from embedded.resending import resend_lost_events
from gateway.app import build_app, listening
from gateway.settings import GatewaySettings
from services import directory
from services.accounts.models import ACCOUNTS
from services.accounts.staff import grant_staff

READY_SECONDS = 20.0
OPERATOR = "embedded marketplace"


class CannotStart(Exception):
    """Why the marketplace cannot run here, for the person who started it."""


class Marketplace:
    """Starts and stops everything, in order. `on_death` is called with what killed a service."""

    def __init__(self, data_dir: Path, on_death: Callable[[str], None]) -> None:
        self.data_dir = data_dir
        self._on_death = on_death
        self._postgres = EmbeddedPostgres(data_dir / "postgres")
        self._containers: list[ServiceContainer] = []
        self._gateway: AbstractAsyncContextManager[Any] | None = None
        self._lock: int | None = None
        self._stopping = False
        self.settings: GatewaySettings

    def start(self) -> None:
        """Everything, until requests are answered.

        Raises: CannotStart, BadSetting. Call `stop` afterwards in any case.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        os.environ.update(secrets_of(self.data_dir))
        os.environ.update(
            {"AMQP_URL": transport.URL, "DATABASE_URL": self._postgres.url, "BROKER_PREFIX": ""}
        )
        self.settings = load(GatewaySettings)
        _check_port(self.settings.gateway_host, self.settings.gateway_port)
        for container in self._made_containers():
            check_settings(container)
        try:
            self._postgres.start()
        except PostgresFailed as error:
            raise CannotStart(str(error)) from error
        self._set_up()
        self._start_services()
        spawn_for_awaitable(self._open_gateway()).wait()

    def stop(self) -> None:
        """Finishes the requests under way, then stops the gateway, the services and PostgreSQL."""
        self._stopping = True
        try:
            if self._gateway is not None:
                spawn_for_awaitable(self._gateway.__aexit__(None, None, None)).wait()
            self._stop_services()
        finally:
            self._postgres.stop()
            if self._lock is not None:
                os.close(self._lock)

    def _stop_services(self) -> None:
        stopping = [eventlet.spawn(container.stop) for container in self._containers]
        with eventlet.Timeout(READY_SECONDS, False):
            for each in stopping:
                each.wait()

    @property
    def url(self) -> str:
        """Where the HTTP API is."""
        host = self.settings.gateway_host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.settings.gateway_port}"

    @property
    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""
        engine = make_engine(self.settings, "accounts")
        try:
            return not Db(engine).read(
                lambda connection: connection.scalar(select(func.count(ACCOUNTS.c.id)))
            )
        finally:
            engine.dispose()

    def grant_staff(self, email: str) -> None:
        """Makes an account staff from its next sign-in on. Raises: NotFound."""
        engine = make_engine(self.settings, "accounts")
        try:
            grant_staff(Db(engine), email, OPERATOR)
        finally:
            engine.dispose()

    def _take_lock(self) -> None:
        path = self.data_dir / "lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = path.read_text().strip() or "unknown"
            text = (
                f"Another marketplace (process {holder}) is using {self.data_dir}. Stop it, or set DATA_DIR."
            )
            raise CannotStart(text) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _set_up(self) -> None:
        transport.register()
        events = directory.all_events()
        for name in directory.NAMES:
            url = database_url(self.settings, name)
            migrations.upgrade(name, url.render_as_string(hide_password=False))
        topology.declare(self.settings, directory.NAMES, events)
        resend_lost_events(self.settings, events)

    def _start_services(self) -> None:
        for container in self._made_containers():
            container.start()
            self._containers.append(container)
            eventlet.spawn(self._watch, container)
        with eventlet.Timeout(READY_SECONDS, CannotStart("The services do not get ready.")):
            while not all(runner.is_ready(container) for container in self._containers):
                eventlet.sleep(0.01)

    def _made_containers(self) -> list[ServiceContainer]:
        events = directory.all_events()
        return [
            runner.make_container(directory.class_of(name), self.settings, events) for name in directory.NAMES
        ]

    def _watch(self, container: ServiceContainer) -> None:
        try:
            container.wait()
        except Exception as error:
            self._on_death(f"{container.service_name}: {error!r}")
        else:
            if not self._stopping:
                self._on_death(f"{container.service_name}: it stopped by itself")

    async def _open_gateway(self) -> None:
        broker = Broker.named("")
        rpc = EmbeddedRpcClient(self.settings, broker)
        feed = EmbeddedEventFeed(self.settings, broker, directory.all_events(), asyncio.get_running_loop())
        app = build_app(self.settings, rpc, feed)
        gateway = listening(app, self.settings)
        try:
            await gateway.__aenter__()
        except OSError as error:
            raise CannotStart(f"The gateway cannot listen on {self.url}: {error.strerror}") from error
        self._gateway = gateway


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"Port {port} on {host} cannot be used: {reason}. Set GATEWAY_PORT to another one."
            raise CannotStart(text) from error
