import os
import secrets
from collections.abc import Iterator

import pytest

from kit.settings import Settings
from tests.races.assertions import Databases
from tests.support.stack import Process, Stack

FEW, MANY = int(os.environ.get("RACE_ROUNDS", "6")), int(os.environ.get("RACE_ROUNDS", "200"))
TIMER_SECONDS = "0.02"


@pytest.fixture(params=[FEW, pytest.param(MANY, marks=pytest.mark.faults)], ids=["few", "many"])
def rounds(request: pytest.FixtureRequest) -> int:
    """How often each race is run."""
    number: int = request.param
    return number


@pytest.fixture
def seed() -> int:
    """Who starts when; RACE_SEED repeats a run as far as a race can be repeated."""
    return int(os.environ.get("RACE_SEED") or secrets.randbelow(2**32))


@pytest.fixture
def databases(servers: Settings) -> Databases:
    return Databases(servers)


@pytest.fixture(scope="module")
def fast_clocks(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One more process of orders, whose timers run as fast as they can."""
    log = tmp_path_factory.mktemp("clocks") / "orders.log"
    process = Process("orders", 90, log, stack.environment)
    process.start(TIMER_SECONDS=TIMER_SECONDS)
    try:
        process.wait_until_ready()
        yield
        assert process.is_running, process.tail()
    finally:
        process.kill()
