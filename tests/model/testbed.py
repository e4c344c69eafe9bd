"""Orders, messaging and reviews on real databases; only the broker is replaced by the test.

Events are taken from the outbox tables and wait in `pending` until a test delivers them: late, in
another order, twice, or all at the end.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chassis.storage import outbox
from kit.contracts import Event, Rpc
from kit.errors import NotFound
from kit.security.tokens import Caller
from services.accounts.contract import ACCOUNT_UPDATED
from services.catalog.contract import SERVICE_CHANGED
from tests.model.records import PublishedEvent
from tests.model.reference import Marketplace
from tests.model.tables import read_tables
from tests.support import codebase
from tests.support.service_harness import Harness, make_service

Json = dict[str, Any]
CONTRACTS: dict[tuple[str, str], Event] = {(event.owner, event.type): event for event in codebase.events()}


@dataclass(frozen=True)
class Delivery:
    """An event on its way to one consumer."""

    consumer: str
    event: PublishedEvent


@dataclass
class MarketTestbed:
    """Three services that call each other, and the events between them that are not delivered yet."""

    services: dict[str, Harness]
    offers: dict[str, Json] = field(default_factory=dict)
    pending: list[Delivery] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    _collected: dict[str, int] = field(default_factory=dict)
    _asking: Caller | None = None

    def begin(self) -> None:
        """Begins a run: no event is pending, and those of earlier runs are ignored."""
        self.offers.clear()
        self.pending.clear()
        self.delivered.clear()
        for name, service in self.services.items():
            self._collected[name] = service.execute("SELECT coalesce(max(id), 0) FROM outbox")[0][0]

    def call(
        self, caller: Caller, contract: Rpc, key: str | None = None, fingerprint: str = "", **arguments: Any
    ) -> tuple[Any, bool]:
        """The answer of a method, and whether it was a replay. Raises: ServiceError."""
        self._asking = caller
        service = self.services[contract.service]
        answer = service.call_as(caller, contract, key=key, fingerprint=fingerprint, **arguments)
        return answer, service.replayed

    def every_item(self, caller: Caller, contract: Rpc, **arguments: Any) -> list[Json]:
        """All pages of a list."""
        items: list[Json] = []
        cursor = None
        while True:
            page, _ = self.call(caller, contract, limit=100, cursor=cursor, **arguments)
            items += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def tick(self, timer: str) -> None:
        """Runs one of the timers of orders once."""
        self.services["orders"].tick(timer)

    def read_tables(self, name: str, model: Marketplace) -> tuple[dict[str, Any], list[PublishedEvent]]:
        """A service's tables now, and the events it has recorded since the last call."""
        seen = read_tables(self.services[name], model, self._collected[name])
        recorded = sorted(seen.pop("outbox"))
        self._collected[name] = max((id_ for id_, _, _ in recorded), default=self._collected[name])
        return seen, [PublishedEvent(name, type_, body) for _, type_, body in recorded]

    def send(self, event: PublishedEvent) -> None:
        """Adds the deliveries of an event to its consumers to the pending ones."""
        consumers = codebase.consumers_of(event.type, event.body)
        self.pending += [Delivery(name, event) for name in consumers if name in self.services]

    def rename(self, account_id: str, display_name: str, version: int) -> None:
        """Publishes the event of accounts about a changed name."""
        data = {"account_id": account_id, "display_name": display_name, "account_version": version}
        body = outbox.row(ACCOUNT_UPDATED, **data)["body"]
        self.send(PublishedEvent(ACCOUNT_UPDATED.owner, ACCOUNT_UPDATED.type, body))

    def publish_offer(self, offer: Json) -> None:
        """Catalog has an offer from now on, and publishes its event."""
        self.offers[offer["service_id"]] = offer
        data = {
            "service_id": offer["service_id"],
            "provider_id": offer["provider"]["id"],
            "service_version": offer["service_version"],
            "offer": offer,
        }
        body = outbox.row(SERVICE_CHANGED, **data)["body"]
        self.send(PublishedEvent(SERVICE_CHANGED.owner, SERVICE_CHANGED.type, body))

    def deliver(self, delivery: Delivery) -> None:
        """Delivers an event to a consumer as the broker does."""
        event = delivery.event
        self._asking = None
        self.services[delivery.consumer].deliver(CONTRACTS[event.owner, event.type], event=event.body)

    def pop_pending(self, at: int) -> Delivery:
        """Returns a pending delivery; it may be repeated."""
        delivery = self.pending.pop(at % len(self.pending))
        self.delivered.append(delivery)
        return delivery

    def shuffled_rest(self, seed: int) -> list[Delivery]:
        """Returns all pending deliveries, each twice, in random order."""
        rest = self.pending * 2
        random.Random(seed).shuffle(rest)
        self.delivered += self.pending
        self.pending.clear()
        return rest

    def ask_catalog(self, contract: Rpc, service_id: str) -> Json:
        """The catalog's answer about an offer."""
        if service_id not in self.offers:
            raise NotFound("There is no such service.")
        return self.offers[service_id]

    def ask_orders(self, contract: Rpc, **arguments: Any) -> Any:
        """Orders' answer to a service that asks for the caller it is serving."""
        return self.services["orders"].call_as(self._asking, contract, **arguments)


def do_not_wait_for_disks(service: Harness) -> None:
    """A private database that no test kills need not survive a crash."""
    database = service.engine.url.database
    service.execute(f'ALTER DATABASE "{database}" SET synchronous_commit = off')
    service.engine.dispose()


@contextmanager
def open_testbed() -> Iterator[MarketTestbed]:
    """The three services, each on a migrated database of its own."""
    testbed = MarketTestbed({})
    remote: dict[str, Callable[..., Any]] = {"catalog": testbed.ask_catalog, "orders": testbed.ask_orders}
    with (
        make_service("orders", remote) as orders,
        make_service("messaging", remote) as messaging,
        make_service("reviews", remote) as reviews,
    ):
        testbed.services = {"orders": orders, "messaging": messaging, "reviews": reviews}
        for service in testbed.services.values():
            do_not_wait_for_disks(service)
        yield testbed
