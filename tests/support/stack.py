"""The marketplace as a user runs it: every service and the gateway its own process, on real servers."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from prometheus_client.parser import text_string_to_metric_families

from kit.security.keys import public_key_of
from kit.settings import Settings
from services.accounts.credentials.signing import generate_signing_key
from tests.support.codebase import ROOT, SERVICES
from tests.support.servers import eventually, free_port

GATEWAY = "gateway"
START_SECONDS, STOP_SECONDS = 300.0, 25.0
TAIL_LINES = 40
MICROTASKS = (sys.executable, "-m", "cli")


class Process:
    """One process of the marketplace, with its log in a file."""

    def __init__(self, name: str, number: int, log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        self.metrics_port = free_port()
        self._environment = {
            **environment,
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": str(self.metrics_port),
        }
        self._popen: subprocess.Popen[bytes] | None = None
        self._paused = False
        self.label = f"{name} {number}"

    @property
    def is_running(self) -> bool:
        """Whether the process exists."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return None if self._popen is None else self._popen.poll()

    @property
    def is_ready(self) -> bool:
        """Whether it says so on its own port. A process that has ended fails the test at once."""
        if not self.is_running:
            raise AssertionError(f"{self.label} ended:\n{self.tail()}")
        return self.says_ready

    @property
    def says_ready(self) -> bool:
        """The same; a process that has ended just is not ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    def start(self, **environment: str) -> None:
        """Starts it, without waiting for readiness; `environment` counts for this start only."""
        with open(self.log, "ab") as log:
            self._popen = subprocess.Popen(
                [*MICROTASKS, "serve", self.name],
                env={**self._environment, **environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the tests, which end their processes themselves
            )

    def wait_until_ready(self) -> None:
        """Waits until it is ready; fails with the end of its log."""
        try:
            eventually(lambda: self.is_ready, START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{self.label} is not ready ({error}):\n{self.tail()}") from error

    def stop(self) -> None:
        """SIGTERM, and waits until it has drained and gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL and waits."""
        self._end(signal.SIGKILL)

    def restart(self, **environment: str) -> None:
        """Drains it, which must succeed, and starts it again."""
        self.stop()
        assert self.exit_code == 0, f"{self.label} ended with {self.exit_code}:\n{self.tail()}"
        self.start(**environment)
        self.wait_until_ready()

    def pause(self) -> None:
        """Sends SIGSTOP."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGCONT)
        self._paused = False

    def restore(self) -> None:
        """Makes it run again after `stop`, `kill` or `pause`."""
        if self._paused:
            self.resume()
        if not self.is_running:
            self.start()

    def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every number it shows, by name and sorted labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def _end(self, number: signal.Signals) -> None:
        if self._popen is None:
            return
        if self._paused:
            self.resume()
        self._popen.send_signal(number)
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            raise AssertionError(f"{self.label} did not stop:\n{self.tail()}") from None


class Stack:
    """All processes together; a context manager that ends them."""

    def __init__(self, folder: Path, servers: Settings, **environment: str) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[Process] = []
        signing_key = generate_signing_key()
        self.environment = {
            **os.environ,
            "AMQP_URL": servers.amqp_url,
            "DATABASE_URL": servers.database_url,
            "BROKER_PREFIX": servers.broker_prefix,
            "TOKEN_SIGNING_KEY": signing_key,
            "TOKEN_PUBLIC_KEYS": public_key_of(signing_key),
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_POOL_SIZE": "4",  # of the 100 connections a usual server gives to everybody
            "ENTRANCE_LIMIT_PER_MINUTE": "100000",  # everybody comes from one address here
            "REQUEST_LIMIT_PER_MINUTE": "100000",  # and asks as fast as a program can
            **environment,
        }

    def __enter__(self) -> "Stack":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self.processes):
            process.kill()

    def migrate(self) -> None:
        """Databases, tables, queues: the one command a user runs before the processes."""
        self.command("migrate")

    def command(self, *arguments: str) -> str:
        """Runs one `microtasks` command to its end and gives back what it printed."""
        done = subprocess.run(
            [*MICROTASKS, *arguments],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"microtasks {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start_all(self, **replicas: int) -> None:
        """Starts every service, then the gateway, and waits until all are ready."""
        for name in (*SERVICES, GATEWAY):
            self.start(name, replicas.get(name, 1))
        self.wait_until_ready()

    def start(self, name: str, replicas: int = 1) -> list[Process]:
        """Starts processes of one service, without waiting."""
        numbers = range(len(self.of(name)), len(self.of(name)) + replicas)
        started = [Process(name, n, self._folder / f"{name}-{n}.log", self.environment) for n in numbers]
        for process in started:
            process.start()
        self.processes += started
        return started

    def of(self, name: str) -> list[Process]:
        """The processes of one service."""
        return [process for process in self.processes if process.name == name]

    def restore(self) -> None:
        """Makes everything that was stopped, killed or paused run and waits until it is ready."""
        for process in self.processes:
            process.restore()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Waits until every process says that it is ready."""
        for process in self.processes:
            process.wait_until_ready()

    def count(self, name: str, **labels: str) -> float:
        """The sum of one counter over all processes, where the given labels fit."""
        return sum(
            value
            for process in self.processes
            for (sample, found), value in process.metrics().items()
            if sample == name and labels.items() <= dict(found).items()
        )

    def log_tails(self) -> str:
        """The end of every log, for a failed test's report."""
        return "\n".join(f"--- {process.label}\n{process.tail()}" for process in self.processes)
