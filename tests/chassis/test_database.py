import pytest
from sqlalchemy.exc import OperationalError

from chassis.database import _translated
from chassis.errors import Unavailable


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
