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
from tests.model.testbed import World, open_world

STEPS = 40
FEW, MANY = 10, int(os.environ.get("MODEL_EXAMPLES", "300"))


@pytest.fixture(scope="module")
def world(servers: Settings) -> Iterator[World]:
    with open_world() as world:
        yield world


def run(world: World, seed: int, runs: int) -> None:
    """Runs the machine; a failure shows the whole run, and with MODEL_SHRINK=1 the shortest that fails."""
    how = settings(
        phases=(Phase.generate, Phase.shrink) if os.environ.get("MODEL_SHRINK") else (Phase.generate,),
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seeded(seed)(partial(MarketMachine, world)), settings=how)  # type: ignore[arg-type]


def test_orders_messages_and_reviews_do_what_the_model_says(world: World) -> None:
    run(world, seed=1, runs=FEW)


@pytest.mark.faults
def test_they_do_so_over_many_random_runs(world: World) -> None:
    seed = int(os.environ.get("MODEL_SEED") or secrets.randbelow(2**32))
    print(f"MODEL_SEED={seed}")  # noqa: T201
    run(world, seed, MANY)
