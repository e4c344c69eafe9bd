from collections.abc import Iterator

import pytest

from kit.settings import Settings
from tests.orders.market import FakeCatalog, Market
from tests.support.service_harness import Harness, make_service


@pytest.fixture(scope="module")
def _started(servers: Settings) -> Iterator[tuple[Harness, FakeCatalog]]:
    catalog = FakeCatalog()
    with make_service("orders", remote={"catalog": catalog}) as harness:
        catalog.harness = harness
        yield harness, catalog


@pytest.fixture
def market(_started: tuple[Harness, FakeCatalog]) -> Iterator[Market]:
    """The orders service on a database of its own, with new people; no event may have failed."""
    harness, catalog = _started
    yield Market(harness, catalog)
    catalog.failure = None
    assert harness.failed_events() == []
