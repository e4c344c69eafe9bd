"""The laboratory that all faults of a run share, and its table at the end."""

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.laboratory import Laboratory
from tests.faults.report import Report, report_folder
from tests.faults.world import World, are_installed

_report: list[Report] = []


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the laboratory stay in one process: they share its world."""
    for item in items:
        if "laboratory" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("laboratory"))


@pytest.fixture(scope="session")
def laboratory() -> Iterator[Laboratory]:
    """Two processes of orders and of messaging, one of each other, on servers that may be killed."""
    if not are_installed():
        missing = "not run: no installed PostgreSQL and RabbitMQ to hurt"
        pytest.fail(missing) if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip(missing)
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    report = Report(report_folder(), seed)
    _report.append(report)
    world = World()
    try:
        world.start()
        yield Laboratory(world, report, seed)
    finally:
        world.close()


def pytest_terminal_summary() -> None:
    """Shows the table of a run that asked for it."""
    for report in _report:
        report.show()
