import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from chassis.storage.database import Db, _translated
from kit.errors import Unavailable
from tests.support.codebase import ROOT


class ServerError(Exception):
    """What the driver raises."""

    def __init__(self, pgcode: str) -> None:
        super().__init__(pgcode)
        self.pgcode = pgcode


@pytest.mark.parametrize("code", ["53100", "53200", "53300", "57P01", "57P03", "58030", "25006", "08006"])
def test_a_server_that_cannot_work_now_is_away_so_that_calls_say_503_and_events_wait(code: str) -> None:
    error = _translated(OperationalError("SELECT 1", {}, ServerError(code)))
    assert isinstance(error, Unavailable)
    assert error.code == "database_unavailable"


@pytest.mark.servers
def test_a_created_database_holds_all_text_whatever_the_servers_own_encoding(db: Db) -> None:
    def encodings(connection: sa.Connection) -> tuple[Any, Any]:
        return (
            connection.execute(sa.text("SHOW server_encoding")).scalar(),
            connection.execute(sa.text("SHOW client_encoding")).scalar(),
        )

    assert db.read(encodings) == ("UTF8", "UTF8")


def test_a_database_that_never_answers_is_away_and_holds_nobody_for_ever() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.chassis.silent_database"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["database_unavailable"] * 2), done.stderr
