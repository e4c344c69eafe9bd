from collections.abc import Iterator

import pytest

from services.reviews.models import METADATA
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import FakeOrders
from tests.support.service_harness import Harness, make_service


@pytest.fixture(scope="session")
def fake_orders() -> FakeOrders:
    """What the reviews service takes for the orders service."""
    return FakeOrders()


@pytest.fixture(scope="session")
def reviews_service(fake_orders: FakeOrders) -> Iterator[Harness]:
    """One migrated database for all tests of this folder."""
    with make_service("reviews", remote={"orders": fake_orders}) as service:
        yield service


@pytest.fixture
def testbed(reviews_service: Harness, fake_orders: FakeOrders) -> ReviewsTestbed:
    """An empty marketplace."""
    reviews_service.execute(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY")
    fake_orders.reset()
    return ReviewsTestbed(reviews_service, fake_orders)
