"""The laboratory that all faults of a run share, and its table at the end."""

import os
import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.support.fragile_laboratory import Fragile, fragile_laboratory
from tests.faults.support.laboratory import Laboratory
from tests.faults.support.marketplace import Marketplace, are_installed
from tests.faults.support.report import Report, report_folder
from tests.support.small_disk import SmallDisk

_report: list[Report] = []


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rows of the table stay in one process: most share a marketplace."""
    for item in items:
        if "report" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("laboratory"))


@pytest.fixture(scope="session")
def seed() -> int:
    """What all dice of this run begin with."""
    return int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="session")
def report(seed: int) -> Report:
    """The one table of all marketplaces."""
    if not are_installed():
        missing = "not run: no installed PostgreSQL and RabbitMQ to hurt"
        pytest.fail(missing) if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip(missing)
    report = Report(report_folder(), seed)
    _report.append(report)
    return report


@pytest.fixture(scope="session")
def laboratory(report: Report, seed: int) -> Iterator[Laboratory]:
    """Two processes of orders and of messaging, one of each other, on servers that may be killed."""
    with closing(Marketplace()) as marketplace:
        marketplace.start()
        yield Laboratory(marketplace, report, seed)


@pytest.fixture(scope="session")
def fragile(report: Report, seed: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    """The same behind networks that fail and, where one can be mounted, on a small disk."""
    small_disk = SmallDisk.is_possible(tmp_path_factory.mktemp("disk"))
    with fragile_laboratory(report, seed, small_disk) as fragile:
        yield fragile


def pytest_terminal_summary() -> None:
    """Shows the table of a run that asked for it."""
    for report in _report:
        report.show()
