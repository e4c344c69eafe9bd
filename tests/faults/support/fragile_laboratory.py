"""A laboratory whose processes reach their servers through networks that fail, and whose disk is small."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.faults.support.laboratory import Laboratory
from tests.faults.support.marketplace import Marketplace
from tests.faults.support.report import Report
from tests.support.network import Network
from tests.support.servers import with_database

DISK_MEGABYTES = 400


@dataclass(frozen=True)
class Fragile:
    """The laboratory, and the networks from the processes to the broker and to the database."""

    laboratory: Laboratory
    to_broker: Network
    to_database: Network


@contextmanager
def fragile_laboratory(report: Report, seed: int, small_disk: bool) -> Iterator[Fragile]:
    """A marketplace of its own, for a block; its small disk needs root."""
    with ExitStack() as closing:
        marketplace = Marketplace(disk_megabytes=DISK_MEGABYTES if small_disk else 0)
        to_broker = closing.enter_context(Network(marketplace.rabbit.url))
        to_database = closing.enter_context(Network(marketplace.postgres.url))
        closing.callback(marketplace.close)
        marketplace.stack.environment["AMQP_URL"] = to_broker.url(marketplace.rabbit.url)
        databases = with_database(to_database.url(marketplace.postgres.url), "microtasks_{service}")
        marketplace.stack.environment["DATABASE_URL"] = databases
        marketplace.start(orders=1, messaging=1)
        yield Fragile(Laboratory(marketplace, report, seed), to_broker, to_database)
