"""The whole marketplace in one process: PostgreSQL beside it, a broker, six services, the gateway
and the web site within.

The process must be green on eventlet's asyncio hub (`chassis.runtime.green`) before this is imported.
"""

import asyncio
import dataclasses
import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import eventlet
import structlog
from eventlet.asyncio import spawn_for_awaitable
from eventlet.hubs import trampoline
from nameko.containers import ServiceContainer
from sqlalchemy import func, select

from chassis.amqp import topology
from chassis.amqp.relay import RelayWorker
from chassis.runtime import runner
from chassis.runtime.settings_check import check_settings
from chassis.storage.database import Db, database_url, make_engine
from embedded.broker import transport
from embedded.broker.broker import Broker
from embedded.broker.resending import resend_lost_events
from embedded.gateway_upstream import EmbeddedEventFeed, EmbeddedRpcClient
from embedded.postgres.server import EmbeddedPostgres, PostgresFailed
from gateway.app import build_app, serving
from gateway.settings import GatewaySettings
from kit.security.keys import secrets_of
from kit.settings import BadSetting, load
from services import migrations, registry
from services.accounts.commands.grant_staff import grant_staff
from services.accounts.models import ACCOUNTS
from website.app import listening as listening_site
from website.settings import WebSettings

log = structlog.get_logger(__name__)

READY_SECONDS = 20.0
POLL_SECONDS = 2.0
OPERATOR = "embedded marketplace"
LAST_PORT = 8180  # the last port that the site tries when WEB_PORT is not set
OWN_ADDRESSES = "127.0.0.0/8 ::1"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class CannotStart(Exception):
    """The marketplace cannot start; the message is for the person who started it."""


class Marketplace:
    """Starts and stops everything in order. Calls `on_crash` with the reason when a service crashes."""

    def __init__(self, data_dir: Path, on_crash: Callable[[str], None]) -> None:
        self.data_dir = data_dir
        self._on_crash = on_crash
        self._postgres = EmbeddedPostgres(data_dir / "postgres")
        self._containers: list[ServiceContainer] = []
        self._servers: list[AbstractAsyncContextManager[Any]] = []
        self._lock: int | None = None
        self._stopping = False
        self.settings: GatewaySettings
        self.web_settings: WebSettings

    def start(self) -> None:
        """Starts everything; returns when requests are answered.

        Raises: CannotStart, BadSetting. Call `stop` afterwards in any case.
        """
        self._prepare_data_dir()
        self._load_secrets()
        os.environ.update(
            {"AMQP_URL": transport.URL, "DATABASE_URL": self._postgres.url, "BROKER_PREFIX": ""}
        )
        os.environ.setdefault(
            "TRUSTED_PROXIES", OWN_ADDRESSES
        )  # the site forwards the addresses of its visitors
        self.settings = load(GatewaySettings)
        self.web_settings = self._web_settings()
        os.environ.setdefault("PAYMENT_RETURN_URL", f"{self.site_url}/orders/{{order_id}}")
        _check_port(self.settings.gateway_host, self.settings.gateway_port, "GATEWAY_PORT")
        _check_port(self.web_settings.web_host, self.web_settings.web_port, "WEB_PORT")
        for container in self._made_containers():
            check_settings(container)
        self._start_postgres()
        eventlet.spawn(self._supervise_postgres)
        self._set_up()
        self._start_services()
        spawn_for_awaitable(self._open_gateway()).wait()
        spawn_for_awaitable(self._open(listening_site(self.web_settings), self.site_url)).wait()

    def _web_settings(self) -> WebSettings:
        settings = load(WebSettings, api_url=self.url)
        if "WEB_PORT" in os.environ:
            return settings
        host, first = settings.web_host, settings.web_port
        usable = (port for port in range(first, LAST_PORT) if _refusal(host, port) is None)
        return dataclasses.replace(settings, web_port=next(usable, first))

    def stop(self) -> None:
        """Finishes requests in progress, then stops site, gateway, services and PostgreSQL."""
        self._stopping = True
        try:
            for server in reversed(self._servers):
                spawn_for_awaitable(server.__aexit__(None, None, None)).wait()
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
        return _address(self.settings.gateway_host, self.settings.gateway_port)

    @property
    def site_url(self) -> str:
        """Where the web site is."""
        return _address(self.web_settings.web_host, self.web_settings.web_port)

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

    def _start_postgres(self) -> None:
        try:
            self._postgres.start()
        except PostgresFailed as error:
            raise CannotStart(str(error)) from error

    def _supervise_postgres(self) -> None:
        """Restarts PostgreSQL when it exits; meanwhile the services respond that it is unavailable."""
        while True:
            _wait_for_end(self._postgres)
            if self._stopping:
                return
            log.error("postgres_exited", hint="restarting it")
            try:
                self._start_postgres()
            except CannotStart as error:
                self._on_crash(str(error))
                return

    def _prepare_data_dir(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._acquire_lock()
        except OSError as error:
            raise CannotStart(f"DATA_DIR cannot be used: {error}") from error

    def _load_secrets(self) -> None:
        try:
            os.environ.update(secrets_of(self.data_dir))
        except (OSError, ValueError) as error:
            raise BadSetting(f"DATA_DIR: {error}") from error

    def _acquire_lock(self) -> None:
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
        events = registry.all_events()
        for name in registry.NAMES:
            url = database_url(self.settings, name)
            migrations.upgrade(name, url.render_as_string(hide_password=False))
        topology.declare(self.settings, registry.NAMES, events)
        resend_lost_events(self.settings, events)

    def _start_services(self) -> None:
        for container in self._made_containers():
            container.start()
            self._containers.append(container)
            eventlet.spawn(self._watch, container)
        with eventlet.Timeout(READY_SECONDS, CannotStart("The services did not become ready.")):
            while not all(runner.is_ready(container) for container in self._containers):
                eventlet.sleep(0.01)
        for container in self._containers:
            for part in container.shared_extensions.values():
                if isinstance(part, RelayWorker):
                    part.take_over()

    def _made_containers(self) -> list[ServiceContainer]:
        events = registry.all_events()
        return [
            runner.make_container(registry.class_of(name), self.settings, events) for name in registry.NAMES
        ]

    def _watch(self, container: ServiceContainer) -> None:
        try:
            container.wait()
        except Exception as error:
            self._on_crash(f"{container.service_name}: {error!r}")
        else:
            if not self._stopping:
                self._on_crash(f"{container.service_name}: it stopped unexpectedly")

    async def _open_gateway(self) -> None:
        broker = Broker.named("")
        rpc = EmbeddedRpcClient(self.settings, broker)
        feed = EmbeddedEventFeed(self.settings, broker, registry.all_events(), asyncio.get_running_loop())
        app = build_app(self.settings, rpc, feed)
        await self._open(serving(app, self.settings), self.url)

    async def _open(self, server: AbstractAsyncContextManager[Any], url: str) -> None:
        try:
            await server.__aenter__()
        except OSError as error:
            raise CannotStart(f"Cannot listen on {url}: {error.strerror}") from error
        self._servers.append(server)


def _address(host: str, port: int) -> str:
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait_for_end(postgres: EmbeddedPostgres) -> None:
    try:
        ended = os.pidfd_open(postgres.pid)
    except (AttributeError, OSError):  # not Linux, or it has exited
        while postgres.is_running:
            eventlet.sleep(POLL_SECONDS)
        return
    try:
        trampoline(ended, read=True)
    finally:
        os.close(ended)


def _check_port(host: str, port: int, name: str) -> None:
    if (reason := _refusal(host, port)) is not None:
        raise CannotStart(f"Port {port} on {host} cannot be used: {reason}. Set {name} to another one.")


def _refusal(host: str, port: int) -> str | None:
    """Returns why no server can listen there; None when one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            return getattr(error, "strerror", None) or str(error)
    return None
