"""Real PostgreSQL and RabbitMQ for tests: those of the environment, else private ones.

`AMQP_URL` and `DATABASE_URL` name servers that run already; without them the usual local ports are
tried. Where nothing answers, installed binaries are started in a folder of their own.
"""

import contextlib
import glob
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import amqp
import psycopg2
import pytest

AMQP_URL = "amqp://guest:guest@127.0.0.1:5672//"
DATABASE_URL = "postgresql://postgres@127.0.0.1:5432/postgres"
MISSING = "MICROTASKS_TESTS_MISSING"  # tells test processes which servers there are not
NOT_RUN = "not run: no "
OWN_PORTS = (20_000, 32_000)  # below the usual ephemeral ports


def require_servers() -> None:
    """Ends a test here when there are no servers; with REQUIRE_SERVERS=1 that is a failure."""
    missing = os.environ.get(MISSING)
    if missing and os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(NOT_RUN + missing, pytrace=False)
    if missing:
        pytest.skip(NOT_RUN + missing)


def eventually(condition: Callable[[], object], within: float = 10.0, what: str = "") -> None:
    """Returns as soon as `condition` holds; fails after `within` seconds."""
    give_up_at = time.monotonic() + within
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {within:g} s: {what or condition}")
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on now, and none that an outgoing connection may take meanwhile."""
    while True:
        port = random.SystemRandom().randrange(*OWN_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def postgres_answers(url: str) -> bool:
    """Whether a query comes back."""
    try:
        with contextlib.closing(psycopg2.connect(url, connect_timeout=2)) as connection:
            connection.cursor().execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


def broker_connection(url: str) -> amqp.Connection:
    """A plain connection, opened."""
    parts = urlsplit(url)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port or 5672}",
        userid=parts.username or "guest",
        password=parts.password or "guest",
        virtual_host=parts.path[1:] or "/",
        connect_timeout=2,
        read_timeout=5,
        write_timeout=5,
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


def _account(*names: str) -> str | None:
    """The first of these accounts that exists, when we are root; servers refuse or dislike root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in (*names, "nobody") if name in known), None)


def _binary(name: str, *folders: str) -> str | None:
    """The newest installed one in `folders`, else the one on the path."""
    found = [path for folder in folders for path in glob.glob(f"{folder}/{name}")]
    newest = sorted(found, key=lambda path: [int(n) for n in path.split("/") if n.isdigit()])
    return newest[-1] if newest else shutil.which(name)


class PrivateServer:
    """One server process in a folder of its own, which a test may stop, kill and start again."""

    def __init__(self, folder: Path, account: str | None) -> None:
        self.folder = folder
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if account:
            shutil.chown(folder, account)
            for parent in folder.parents:  # pytest's folders are closed to others
                if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)

    def _spawn(self, command: list[str], environment: Mapping[str, str], log: IO[bytes]) -> None:
        group = pwd.getpwnam(self._account).pw_gid if self._account else None
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=self._account,
            group=group,
            extra_groups=None if group is None else [],
        )

    def _signal(self, number: signal.Signals, within: float) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(within)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None


class PostgresServer(PrivateServer):
    """A PostgreSQL cluster; durability is on, since tests kill it."""

    @staticmethod
    def is_installed() -> bool:
        """Whether `initdb` can be found."""
        return _postgres_binary("initdb") is not None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _account("postgres"))
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        initdb = _postgres_binary("initdb")
        assert initdb is not None
        with open(folder / "initdb.log", "wb") as log:
            command = [
                initdb,
                "-D",
                "data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
            self._spawn([*command, "--locale=C.UTF-8", "--no-sync"], {}, log)
        assert self._process is not None
        if self._process.wait(60) != 0:
            raise RuntimeError((folder / "initdb.log").read_text())

    def start(self) -> None:
        """Starts it and waits until it answers."""
        postgres = _postgres_binary("postgres")
        assert postgres is not None
        options = ["-D", "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        options += ["-c", f"unix_socket_directories={self.folder}", "-c", "max_connections=300"]
        with open(self.folder / "postgres.log", "ab") as log:
            self._spawn([postgres, *options], {}, log)
        eventually(lambda: postgres_answers(self.url), 30, "PostgreSQL answers")

    def stop(self) -> None:
        """Stops it at once, as a failing machine would (no connection may finish)."""
        self._signal(signal.SIGQUIT, 30)

    def close(self) -> None:
        """Stops it if it runs."""
        if self._process is not None:
            self.stop()


def _postgres_binary(name: str) -> str | None:
    return _binary(name, "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


class RabbitServer(PrivateServer):
    """A RabbitMQ node with its own port mapper."""

    @staticmethod
    def is_installed() -> bool:
        """Whether the server and Erlang's port mapper can be found."""
        return _rabbit_binary() is not None and _epmd() is not None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _account("rabbitmq"))
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._mapper_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text("loopback_users.guest = true\nlog.console = true\n")

    def start(self) -> None:
        """Starts the node and waits until it takes connections."""
        if self._mapper is None:
            command = [str(_epmd()), "-address", "127.0.0.1", "-port", str(self._mapper_port)]
            self._mapper = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        with open(self.folder / "rabbitmq.log", "ab") as log:
            self._spawn([str(_rabbit_binary())], self._environment(), log)
        eventually(lambda: broker_answers(self.url), 60, "RabbitMQ takes connections")

    def stop(self) -> None:
        """Kills the node: nothing is flushed, all connections break."""
        self._signal(signal.SIGKILL, 30)

    def close(self) -> None:
        """Stops everything."""
        if self._process is not None:
            self.stop()
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait(10)
            self._mapper = None

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }


def _rabbit_binary() -> str | None:
    # Debian's wrapper in the path writes to the system's own folders.
    return _binary("rabbitmq-server", "/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")


def _epmd() -> str | None:
    return _binary("epmd", "/usr/lib/erlang/bin", "/usr/local/lib/erlang/bin")


class Servers:
    """The two servers the tests use, or the reason why there are none."""

    def __init__(self) -> None:
        self.amqp_url = os.environ.get("AMQP_URL", AMQP_URL)
        self.database_url = os.environ.get("DATABASE_URL", DATABASE_URL)
        self.missing: list[str] = []
        self._folder: Path | None = None
        self._started: list[PostgresServer | RabbitServer] = []

    def find_or_start(self) -> None:
        """Makes both servers answer if that can be done here; else `missing` names what is not there."""
        self.database_url = with_database(self.database_url, "postgres")
        if not postgres_answers(self.database_url):
            if "DATABASE_URL" not in os.environ and PostgresServer.is_installed():
                self.database_url = self._start(PostgresServer).url
            else:
                self.missing.append("PostgreSQL")
        if not broker_answers(self.amqp_url):
            if "AMQP_URL" not in os.environ and RabbitServer.is_installed():
                self.amqp_url = self._start(RabbitServer).url
            else:
                self.missing.append("RabbitMQ")

    def _start(self, kind: type[PostgresServer] | type[RabbitServer]) -> PostgresServer | RabbitServer:
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="microtasks-tests-"))
        server = kind(self._folder / kind.__name__)
        server.start()
        self._started.append(server)
        return server

    def close(self) -> None:
        """Stops what was started here."""
        for server in self._started:
            server.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
