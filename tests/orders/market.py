"""People, offers and orders for the tests of the orders service."""

from typing import Any

import uuid6

from kit.contracts import Rpc
from kit.errors import NotFound
from kit.security.tokens import Caller
from services.catalog.contract import GET_OFFER, SERVICE_CHANGED
from services.orders import contract
from tests.support.service_harness import Harness, person

Json = dict[str, Any]

# How an order gets to a place, from its submission: who does what.
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "pending": (),
    "approved": (("provider", "approve"),),
    "work_completed": (("provider", "approve"), ("provider", "complete_work")),
    "completed": (("provider", "approve"), ("provider", "complete_work"), ("customer", "confirm")),
    "cancelled": (("customer", "withdraw"),),
    "disputed": (("provider", "approve"), ("customer", "open_dispute")),
    "disputed_work": (
        ("provider", "approve"),
        ("provider", "complete_work"),
        ("customer", "open_dispute"),
    ),
}


class FakeCatalog:
    """Stands in for the catalog process; notes what it was asked and whether a transaction was open."""

    def __init__(self) -> None:
        self.offers: dict[str, Json] = {}
        self.asked = 0
        self.connections_in_use: int | None = None
        self.failure: Exception | None = None
        self.harness: Harness | None = None

    def __call__(self, contract: Rpc, service_id: str) -> Json:
        assert contract is GET_OFFER
        assert self.harness is not None
        self.asked += 1
        self.connections_in_use = self.harness.engine.pool.checkedout()  # type: ignore[attr-defined]
        if self.failure is not None:
            raise self.failure
        if service_id not in self.offers:
            raise NotFound("There is no such service.")
        return self.offers[service_id]


class Market:
    """One provider's service, a customer, a member of staff and a stranger."""

    def __init__(self, harness: Harness, catalog: FakeCatalog) -> None:
        self.harness, self.catalog = harness, catalog
        self.customer, self.provider = person("Carl"), person("Pia")
        self.staff, self.stranger = person("Stef", "staff"), person("Sam")
        self.offer = self.add_offer(self.provider)

    def add_offer(self, provider: Caller, **fields: Any) -> Json:
        offer = {
            "service_id": str(uuid6.uuid7()),
            "service_version": 1,
            "title": "A logo for your shop",
            "price": {"amount": 4500, "currency": "EUR"},
            "delivery_days": 3,
            "revisions": 1,
            "status": "active",
            "provider": {"id": provider.id, "display_name": provider.display_name},
            **fields,
        }
        self.catalog.offers[offer["service_id"]] = offer
        return offer

    def change_offer(self, **fields: Any) -> Json:
        """Changes the offer in the catalog; orders has not heard of it yet."""
        changed = {**self.offer, **fields, "service_version": self.offer["service_version"] + 1}
        self.catalog.offers[changed["service_id"]] = self.offer = changed
        return changed

    def publish(self, known: Json, **fields: Any) -> Json:
        """Delivers the event of an offer, or one that says something else of it."""
        body: Json = {
            "service_id": known["service_id"],
            "provider_id": known["provider"]["id"],
            "service_version": known["service_version"],
            "offer": known,
            **fields,
        }
        return self.harness.deliver(SERVICE_CHANGED, **body)

    def submit(self, **arguments: Any) -> Json:
        named = {"service_id": self.offer["service_id"], "requirements": "A blue bird.", **arguments}
        caller = named.pop("caller", self.customer)
        answer: Json = self.harness.call_as(caller, contract.SUBMIT_ORDER, **named)
        return answer

    def take(self, order: Json, transition: str, who: str | Caller, **arguments: Any) -> Json:
        caller = getattr(self, who) if isinstance(who, str) else who
        named = {"order_id": order["id"], "transition": transition, **arguments}
        answer: Json = self.harness.call_as(caller, contract.TRANSITION_ORDER, **named)
        return answer

    def order_at(self, place: str, **arguments: Any) -> Json:
        order = self.submit(**arguments)
        for who, transition in WAYS[place]:
            order = self.take(order, transition, who, reason="Because.")
        return order

    def get(self, order: Json, who: str | Caller = "customer") -> Json:
        caller = getattr(self, who) if isinstance(who, str) else who
        answer: Json = self.harness.call_as(caller, contract.GET_ORDER, order_id=order["id"])
        return answer

    def history(self, order: Json, who: str = "customer") -> list[Json]:
        page = self.harness.call_as(
            getattr(self, who), contract.LIST_TRANSITIONS, order_id=order["id"], limit=100
        )
        lines: list[Json] = page["data"]
        return lines

    def events(self, order: Json, kind: str = "order_status_changed") -> list[Json]:
        return [event for event in self.harness.events(kind) if event["order_id"] == order["id"]]

    def row(self, order: Json) -> Any:
        return self.harness.execute("SELECT * FROM orders WHERE id = CAST(:id AS uuid)", id=order["id"])[0]

    def change(self, order: Json, assignments: str) -> None:
        """Time travel: sets columns directly."""
        self.harness.execute(f"UPDATE orders SET {assignments} WHERE id = CAST(:id AS uuid)", id=order["id"])
