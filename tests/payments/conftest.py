from collections.abc import Iterator

import pytest

from kit.settings import Settings
from services.payments.settings import PaymentSettings
from tests.payments.testbed import PaymentsTestbed, started
from tests.support.placed_orders import FakeOrders
from tests.support.service_harness import Harness


@pytest.fixture(scope="module")
def _started(servers: Settings) -> Iterator[tuple[Harness, FakeOrders, PaymentSettings]]:
    with started() as service:
        yield service


@pytest.fixture
def testbed(_started: tuple[Harness, FakeOrders, PaymentSettings]) -> Iterator[PaymentsTestbed]:
    """Payments on a database of its own, with new people; no event failed, and the audit is clean."""
    harness, orders, settings = _started
    testbed = PaymentsTestbed(harness, orders, settings)
    yield testbed
    assert harness.failed_events() == []
    assert testbed.findings() == []
