"""Many people, retries, stale versions, late and doubled events: the services do what the model says."""

import os
import secrets
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from kit.settings import Settings
from tests.model.machine import MarketMachine
from tests.model.testbed import MarketTestbed, open_testbed

STEPS = 40
FEW, MANY = 10, int(os.environ.get("MODEL_EXAMPLES", "300"))


@pytest.fixture(scope="module")
def testbed(servers: Settings) -> Iterator[MarketTestbed]:
    with open_testbed() as testbed:
        yield testbed


def run(testbed: MarketTestbed, seed: int, runs: int) -> None:
    """Runs the machine; a failure shows the whole run, and with MODEL_SHRINK=1 the shortest that fails."""
    how = settings(
        phases=(Phase.generate, Phase.shrink) if os.environ.get("MODEL_SHRINK") else (Phase.generate,),
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seeded(seed)(partial(MarketMachine, testbed)), settings=how)  # type: ignore[arg-type]


def test_orders_messages_and_reviews_do_what_the_model_says(testbed: MarketTestbed) -> None:
    run(testbed, seed=1, runs=FEW)


@pytest.mark.faults
def test_they_do_so_over_many_random_runs(testbed: MarketTestbed) -> None:
    seed = int(os.environ.get("MODEL_SEED") or secrets.randbelow(2**32))
    print(f"MODEL_SEED={seed}")  # noqa: T201
    run(testbed, seed, MANY)
