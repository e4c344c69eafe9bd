"""A private server process that a test may stop, kill, freeze and fill."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO


def account_of(*names: str) -> str | None:
    """The first of these accounts that exists, when we are root; servers refuse or dislike root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in (*names, "nobody") if name in known), None)


def newest_binary(name: str, *folders: str) -> str | None:
    """The newest installed one in `folders`, else the one on the path."""
    found = [path for folder in folders for path in glob.glob(f"{folder}/{name}")]
    newest = sorted(found, key=lambda path: [int(n) for n in path.split("/") if n.isdigit()])
    return newest[-1] if newest else shutil.which(name)


class PrivateServer(ABC):
    """One server process in a folder of its own, which a test may stop, kill and start again."""

    @abstractmethod
    def start(self) -> None:
        """Starts it and waits until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stops it immediately: no connection may finish."""

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

    @property
    def pid(self) -> int:
        """The id of its first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its first process exists."""
        return self._process is not None and self._process.poll() is None

    def freeze(self) -> None:
        """Suspends all its processes: connections stay open and nothing responds."""
        assert self._process is not None
        frozen: set[int] = set()
        while fresh := _process_tree(self._process.pid) - frozen:  # a frozen parent starts no more
            for process in sorted(fresh):
                _send(process, signal.SIGSTOP)
            frozen |= fresh

    def thaw(self) -> None:
        """Resumes after `freeze`."""
        assert self._process is not None
        for process in _process_tree(self._process.pid):
            _send(process, signal.SIGCONT)

    def _signal(self, number: signal.Signals, within: float) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(within)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None


def _process_tree(ancestor: int) -> set[int]:
    """Returns a process and all its descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    family = {ancestor}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)
