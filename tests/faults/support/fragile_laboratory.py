"""A laboratory whose processes reach their servers through networks that fail, and whose disk is small."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.faults.support.laboratory import Laboratory
from tests.faults.support.marketplace import World
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
    """A world of its own, for a block; its small disk needs root."""
    with ExitStack() as closing:
        world = World(disk_megabytes=DISK_MEGABYTES if small_disk else 0)
        to_broker = closing.enter_context(Network(world.rabbit.url))
        to_database = closing.enter_context(Network(world.postgres.url))
        closing.callback(world.close)
        world.stack.environment["AMQP_URL"] = to_broker.url(world.rabbit.url)
        databases = with_database(to_database.url(world.postgres.url), "microtasks_{service}")
        world.stack.environment["DATABASE_URL"] = databases
        world.start(orders=1, messaging=1)
        yield Fragile(Laboratory(world, report, seed), to_broker, to_database)
