from collections.abc import Iterator

import pytest

from kit.settings import Settings
from services.payments.settings import PaymentSettings
from tests.payments.testbed import World, started
from tests.support.placed_orders import FakeOrders
from tests.support.service_harness import Harness


@pytest.fixture(scope="module")
def _started(servers: Settings) -> Iterator[tuple[Harness, FakeOrders, PaymentSettings]]:
    with started() as service:
        yield service


@pytest.fixture
def world(_started: tuple[Harness, FakeOrders, PaymentSettings]) -> Iterator[World]:
    """Payments on a database of its own, with new people; no event failed, and the audit is clean."""
    harness, orders, settings = _started
    world = World(harness, orders, settings)
    yield world
    assert harness.failed_events() == []
    assert world.findings() == []
