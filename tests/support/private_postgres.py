"""A private PostgreSQL cluster for tests."""

import contextlib
import signal
from pathlib import Path

import psycopg2

from tests.support.private_server import PrivateServer, account_of, newest_binary
from tests.support.servers import eventually, free_port, postgres_answers


class PostgresServer(PrivateServer):
    """A PostgreSQL cluster; durability is on, since tests kill it."""

    @staticmethod
    def is_installed() -> bool:
        """Whether `initdb` can be found."""
        return _postgres_binary("initdb") is not None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, account_of("postgres"))
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
        """Stops it immediately, as a failing machine would; no connection may finish."""
        self._signal(signal.SIGQUIT, 30)

    def end_connections(self) -> int:
        """Ends every client's connection, whatever it is doing; returns how many there were."""
        with contextlib.closing(psycopg2.connect(self.url, connect_timeout=5)) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            return int(cursor.fetchone()[0])

    def close(self) -> None:
        """Stops it if it runs."""
        if self._process is not None:
            self.thaw()
            self.stop()


def _postgres_binary(name: str) -> str | None:
    return newest_binary(name, "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
