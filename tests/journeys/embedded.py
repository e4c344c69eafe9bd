"""The embedded marketplace as `make run` starts it, in a process of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from tests.support.codebase import ROOT
from tests.support.servers import eventually, free_port


class Embedded:
    """`microtasks dev` with its data in a folder, started and waited for."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "embedded.log"
        self.ready_after_seconds = 0.0
        self.exit_code: int | None = None
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Embedded":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.interrupt()
        if error is not None:
            print(self.log.read_text(errors="replace")[-6000:])  # noqa: T201

    def start(self) -> None:
        """Starts it and waits until it serves."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "dev"],
                env=self._environment(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._is_ready, 60, "the embedded marketplace is ready")
        self.ready_after_seconds = time.monotonic() - began

    def interrupt(self) -> None:
        """Ctrl-C: every process of the foreground group gets SIGINT."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGINT)
        self.exit_code = self._process.wait(30)

    def _environment(self) -> dict[str, str]:
        own = {"GATEWAY_PORT": str(self.port), "DATA_DIR": str(self._folder / "data"), "SEED": "0"}
        own["RELEASE_DAYS"] = "7"  # as everywhere else; trying out has none
        own["ENTRANCE_LIMIT_PER_MINUTE"] = "100000"  # everybody comes from one address here
        dropped = {"AMQP_URL", "DATABASE_URL", "BROKER_PREFIX"}
        return {**{name: value for name, value in os.environ.items() if name not in dropped}, **own}

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"it ended:\n{self.log.read_text(errors='replace')[-4000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
