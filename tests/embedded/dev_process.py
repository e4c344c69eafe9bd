"""`microtasks dev` as a user starts it, on a free port and with data of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from client import MarketplaceClient
from tests.support.codebase import ROOT
from tests.support.servers import free_port

READY_SECONDS, STOP_SECONDS = 120.0, 60.0  # a busy machine is no failure
OURS = ("AMQP_URL", "DATABASE_URL", "BROKER_PREFIX", "METRICS_PORT", "EVENTLET_HUB")


class DevProcess:
    """One embedded marketplace; may be started again after it ended."""

    module = "cli"

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.web_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.site = f"http://127.0.0.1:{self.web_port}"
        self._log = folder / "dev.log"
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = {
            **inherited,
            "GATEWAY_PORT": str(self.port),
            "WEB_PORT": str(self.web_port),
            "DATA_DIR": str(self.data_dir),
            "SEED": "0",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "DevProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    def launch(self, **environment: str) -> None:
        """Starts it without waiting."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, "dev"],
                env={**self.environment, **environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def processor_seconds(self) -> float:
        """What it and its children have used so far; unlike time, no neighbour changes it."""
        own = psutil.Process(self.process.pid)
        used = [own.cpu_times(), *(child.cpu_times() for child in own.children(recursive=True))]
        return float(sum(t.user + t.system + t.children_user + t.children_system for t in used))

    def start(self, **environment: str) -> float:
        """Starts it and waits until it says that it is ready; answers after how many seconds."""
        began = time.monotonic()
        already = self.output().count("MicroTasks is ready")
        self.launch(**environment)
        while self.output().count("MicroTasks is ready") == already:
            if self.process.poll() is not None or time.monotonic() - began > READY_SECONDS:
                raise AssertionError(f"it did not get ready:\n{self.output()}")
            time.sleep(0.02)
        return time.monotonic() - began

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The running process."""
        assert self._process is not None
        return self._process

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop and waits; its exit code."""
        process, self._process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"it did not stop:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        process, self._process = self.process, None
        process.kill()
        process.wait()

    def output(self) -> str:
        """All it wrote, over all starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def client(self) -> MarketplaceClient:
        """A new client of its API."""
        return MarketplaceClient(self.url)


def run_dev(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs `microtasks dev` where it is expected to give up by itself."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "dev"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
