"""The servers that tests share: those of the environment, else private ones.

`AMQP_URL` and `DATABASE_URL` name servers that run already; without them the usual local ports are
tried. Where nothing answers, installed binaries are started in a folder of their own.
"""

import os
import shutil
import tempfile
from pathlib import Path

from tests.support.private_postgres import PostgresServer
from tests.support.private_rabbit import RabbitServer
from tests.support.servers import AMQP_URL, DATABASE_URL, broker_answers, postgres_answers, with_database


class Servers:
    """The two servers of the tests, or the names of those that are missing."""

    def __init__(self) -> None:
        self.amqp_url = os.environ.get("AMQP_URL", AMQP_URL)
        self.database_url = os.environ.get("DATABASE_URL", DATABASE_URL)
        self.missing: list[str] = []
        self._folder: Path | None = None
        self._started: list[PostgresServer | RabbitServer] = []

    def find_or_start(self) -> None:
        """Finds or starts both servers; `missing` names those that cannot be had."""
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
