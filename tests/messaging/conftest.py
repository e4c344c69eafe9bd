from collections.abc import Iterator
from typing import Any

import pytest

from kit.contracts import Rpc
from kit.errors import NotFound
from kit.settings import Settings
from services.orders import contract as orders_contract
from tests.messaging.sample_events import Deal, Fact
from tests.support.service_harness import Harness, make_service

OPEN_TRANSACTIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


class FakeOrders:
    """Stands in for the orders process: answers what a test put in, and watches the caller's manners."""

    def __init__(self) -> None:
        self.answers: dict[str, Fact | Exception] = {}
        self.asked: list[str] = []
        self.harness: Harness | None = None

    def __call__(self, contract: Rpc, order_id: str) -> Any:
        assert contract is orders_contract.GET_ORDER
        assert self.harness is not None
        assert self.harness.execute(OPEN_TRANSACTIONS)[0][0] == 0, "asked inside a transaction"
        self.asked.append(order_id)
        answer = self.answers.get(order_id) or NotFound("There is no such order.")
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="session")
def _started(servers: Settings) -> Iterator[tuple[Harness, FakeOrders]]:
    fake = FakeOrders()
    with make_service("messaging", remote={"orders": fake}) as harness:
        fake.harness = harness
        yield harness, fake


@pytest.fixture
def messaging(_started: tuple[Harness, FakeOrders]) -> Iterator[Harness]:
    """The messaging service on its own database; no event may have failed behind a test's back."""
    harness, _ = _started
    yield harness
    assert harness.failed_events() == []


@pytest.fixture
def orders(_started: tuple[Harness, FakeOrders]) -> FakeOrders:
    fake = _started[1]
    fake.answers.clear()
    fake.asked.clear()
    return fake


@pytest.fixture
def deal(messaging: Harness) -> Deal:
    """A submitted order whose thread messaging knows."""
    deal = Deal()
    messaging.deliver(orders_contract.ORDER_STATUS_CHANGED, **deal.transition("submit"))
    return deal
