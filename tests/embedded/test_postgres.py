"""The embedded PostgreSQL keeps what it was given, whatever ended it."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg2
import pytest

from embedded.postgres.server import EmbeddedPostgres, PostgresFailed
from tests.support.codebase import ROOT

CHILD = """
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from embedded.postgres.server import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).start()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], EmbeddedPostgres]]:
    made: list[EmbeddedPostgres] = []

    def make_server() -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(tmp_path / "postgres"))
        return made[-1]

    yield make_server
    for server in made:
        server.stop()


def _pid(server: EmbeddedPostgres) -> int:
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])


def _execute(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    url = server.url.replace("microtasks_{service}", "postgres")
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _remember(server: EmbeddedPostgres) -> None:
    _execute(server, "CREATE TABLE kept AS SELECT 7 AS n")


def test_what_was_stored_is_there_after_a_clean_stop(make: Callable[[], EmbeddedPostgres]) -> None:
    first = make()
    first.start()
    _remember(first)
    first.stop()
    second = make()
    second.start()
    assert _execute(second, "SELECT n FROM kept") == [(7,)]


def test_a_stopped_server_leaves_no_process(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    server.start()
    pid = _pid(server)
    server.stop()
    assert not psutil.pid_exists(pid)
    server.stop()


def test_it_listens_on_no_network_address(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    server.start()
    assert psutil.Process(_pid(server)).net_connections("inet") == []
    assert _execute(server, "SHOW listen_addresses") == [("",)]


def test_it_is_durable_and_offers_pg_trgm(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    server.start()
    assert _execute(server, "SHOW fsync") == [("on",)]
    assert _execute(server, "SHOW synchronous_commit") == [("on",)]
    _execute(server, "CREATE EXTENSION pg_trgm")


def test_a_killed_server_recovers_with_everything_committed(make: Callable[[], EmbeddedPostgres]) -> None:
    first = make()
    first.start()
    _remember(first)
    os.kill(_pid(first), signal.SIGKILL)
    second = make()
    second.start()
    assert _execute(second, "SELECT n FROM kept") == [(7,)]


def test_a_pid_file_that_names_another_program_does_not_stop_the_start(
    make: Callable[[], EmbeddedPostgres],
) -> None:
    first = make()
    first.start()
    pid_file = first.folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    first.stop()
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        second = make()
        second.start()
        assert other.poll() is None
        other.kill()


def test_a_server_left_running_is_replaced(make: Callable[[], EmbeddedPostgres]) -> None:
    first = make()
    first.start()
    _remember(first)
    second = make()
    second.start()
    assert _execute(second, "SELECT n FROM kept") == [(7,)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_it_stops_by_itself_when_its_marketplace_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    command = [sys.executable, "-c", CHILD, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        parent.kill()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_an_interrupted_first_start_is_begun_again(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    unfinished = server.folder / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "half").write_text("done")
    server.start()
    assert _execute(server, "SELECT 1") == [(1,)]


def test_a_folder_with_a_long_name_works(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("a long name " * 8) / "postgres")
    server.start()
    assert _execute(server, "SELECT 1") == [(1,)]
    server.stop()


def test_nobody_else_can_enter_its_folder(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    server.folder.mkdir(mode=0o755)
    server.start()
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that is somebody else's")
def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("a long name " * 8) / "postgres")
    sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
    assert not sockets.is_relative_to(tmp_path)
    sockets.mkdir()
    os.chown(sockets, 12345, 12345)
    with pytest.raises(PostgresFailed, match="somebody else"):
        server.start()
    sockets.rmdir()


def test_broken_data_are_reported_with_the_servers_own_words(make: Callable[[], EmbeddedPostgres]) -> None:
    server = make()
    server.start()
    server.stop()
    (server.folder / "data" / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(PostgresFailed, match=r"9\.1"):
        server.start()
