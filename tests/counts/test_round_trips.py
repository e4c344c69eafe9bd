"""What orders sends to PostgreSQL for a submission and a step, read from the wire."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from kit.settings import Settings
from tests.counts.wire import Wire
from tests.orders.market import FakeCatalog, Market
from tests.support.service_harness import make_service, person

AT_MOST = 3


class Observed:
    """A market whose orders service is connected through a wire."""

    def __init__(self, market: Market, wire: Wire) -> None:
        self.market, self._wire = market, wire

    def sent(self, work: Callable[[], Any]) -> list[str]:
        """The messages of a piece of work, each in one line, once its connection is open."""
        work()
        before = len(self._wire.queries)
        work()
        return [" ".join(query.split()) for query in self._wire.queries[before:]]


@pytest.fixture
def observed(servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observed]:
    server = make_url(servers.database_url.replace("{service}", "orders")).set(database="postgres")
    with Wire(server.render_as_string(hide_password=False)) as wire:
        monkeypatch.setenv("DATABASE_URL", wire.url)
        catalog = FakeCatalog()
        with make_service("orders", remote={"catalog": catalog}) as harness:
            catalog.harness = harness
            market = Market(harness, catalog)
            market.publish(market.offer)
            yield Observed(market, wire)
            assert catalog.asked == 0


def test_a_submission_reads_writes_and_commits(observed: Observed) -> None:
    read, write, commit = observed.sent(observed.market.submit)
    assert read.startswith("BEGIN; INSERT INTO idempotency")
    assert read.index("pg_advisory_xact_lock") < read.index("SELECT nextval")
    assert write.startswith("WITH change_0 AS (INSERT INTO orders")
    assert commit.startswith("UPDATE idempotency") and commit.endswith("COMMIT")


def test_the_name_of_a_new_customer_costs_no_round_trip(observed: Observed) -> None:
    messages = observed.sent(lambda: observed.market.submit(caller=person("Cora")))
    assert len(messages) == AT_MOST
    assert "INSERT INTO account_names" in messages[1]


@pytest.mark.parametrize("who", ["provider", "staff"])
def test_a_step_reads_writes_and_commits(observed: Observed, who: str) -> None:
    market = observed.market
    orders = [market.order_at("approved") for _ in range(2)]
    cancel = iter(orders)
    read, write, commit = observed.sent(lambda: market.take(next(cancel), "cancel", who, reason="Because."))
    assert read.startswith("BEGIN; INSERT INTO idempotency") and read.endswith("FOR UPDATE OF orders")
    assert write.startswith("WITH change_0 AS (UPDATE orders")
    assert commit.startswith("UPDATE idempotency") and commit.endswith("COMMIT")


def test_a_repeat_writes_nothing(observed: Observed) -> None:
    messages = observed.sent(lambda: observed.market.submit(key="once"))
    assert len(messages) == AT_MOST
    assert messages[-1] == "ROLLBACK"


def test_an_order_is_read_with_one_message(observed: Observed) -> None:
    order = observed.market.submit()
    (read,) = observed.sent(lambda: observed.market.get(order))
    assert read.startswith("SELECT")
