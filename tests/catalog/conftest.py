from collections.abc import Iterator

import pytest

from kit.settings import Settings
from tests.catalog.market import Market
from tests.support.service_harness import Harness, make_service

EMPTY = "TRUNCATE services, providers, outbox, inbox, failed_events, idempotency"


@pytest.fixture(scope="session")
def migrated_catalog(servers: Settings) -> Iterator[Harness]:
    """Catalog on a database as its migration leaves it."""
    with make_service("catalog") as harness:
        yield harness


@pytest.fixture
def market(migrated_catalog: Harness) -> Market:
    """Catalog with its categories and nothing else."""
    migrated_catalog.execute(EMPTY)
    return Market(migrated_catalog)
