"""One run of the real services and of the model, which are compared after every step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import time_machine
import uuid6
from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine

from kit.contracts import Rpc
from kit.errors import ServiceError
from kit.security.tokens import Caller
from tests.model import checks
from tests.model.lifecycle import Order, Refused
from tests.model.records import PublishedEvent
from tests.model.reference import Marketplace
from tests.model.tables import assert_tables
from tests.model.testbed import Delivery, MarketTestbed
from tests.support.service_harness import person

Json = dict[str, Any]
GetAnswer = Callable[[], Any]  # returns the answer of the service; fails when it refused
BEGINNING = datetime(2000, 1, 1, 12, tzinfo=UTC)  # however far a run jumps, it stays in the past
PEOPLE = ("Ada", "Bo", "Cleo", "Stef", "Sam")
PRICES = tuple({"amount": amount, "currency": "EUR"} for amount in (4500, 4400))
SELLERS, STAFF = PEOPLE[:4], ("Stef", "Sam")  # Stef is staff, and buys and sells as well


@dataclass(frozen=True)
class Request:
    """A changing call under a key. `predict` applies it to the model, or raises Refused."""

    caller: Caller
    contract: Rpc
    arguments: Json
    predict: Callable[[GetAnswer], None]
    key: str
    fingerprint: str = "as first sent"


class ModelRun(RuleBasedStateMachine):
    """People, the services they use and the model of both; rules come in a subclass."""

    def __init__(self, testbed: MarketTestbed) -> None:
        super().__init__()
        self.testbed, self.model = testbed, Marketplace()
        self.people = {name: person(name, *["staff"] * (name in STAFF)) for name in PEOPLE}
        self.versions = dict.fromkeys(PEOPLE, 1)
        self.requests: list[Request] = []
        self.answers: dict[tuple[str, str, str], tuple[str, Any]] = {}
        self.moved: Order | None = None
        self.is_consistent = True
        self._travel = time_machine.travel(BEGINNING, tick=False)
        self.clock = self._travel.start()
        testbed.begin()
        self.services = {name: self._offer(self.people[name]) for name in SELLERS}

    def _offer(self, provider: Caller) -> Json:
        offer: Json = {
            "service_id": str(uuid6.uuid7()),
            "service_version": 1,
            "title": f"A song by {provider.display_name}",
            "price": PRICES[0],
            "delivery_days": 3,
            "revisions": 1,
            "status": "active",
            "provider": {"id": provider.id, "display_name": provider.display_name},
        }
        self.testbed.publish_offer(offer)
        return offer

    def change_offer(self, provider: str, **changes: Any) -> None:
        """A provider changes status and price of their service; an edit that changes nothing is none."""
        before = self.services[provider]
        if before != {**before, **changes}:
            version = before["service_version"] + 1
            self.services[provider] = {**before, **changes, "service_version": version}
            self.testbed.publish_offer(self.services[provider])

    @property
    def orders(self) -> list[Order]:
        """In the order of their submission."""
        return list(self.model.orders.values())

    @property
    def now(self) -> datetime:
        """The time of the run, which only rules change."""
        return datetime.now(UTC)

    def request(
        self, name: str, contract: Rpc, predict: Callable[[GetAnswer], None], **arguments: Any
    ) -> None:
        """Sends a new request."""
        request = Request(self.people[name], contract, arguments, predict, str(uuid6.uuid7()))
        self.requests.append(request)
        self.perform(request)

    def perform(self, request: Request) -> None:
        """Sends a request to the real service, then to the model; the outcomes must be equal."""
        self.is_consistent = False
        outcome, replayed = self._ask(request)
        note(f"{request.caller.display_name}: {request.contract.method} {request.arguments} → {outcome!r}")
        scope = (request.contract.service, request.caller.id, request.key)
        fingerprint, stored = self.answers.get(scope, (request.fingerprint, None))
        if fingerprint != request.fingerprint:
            checks.assert_refused(outcome, Refused("invalid", "idempotency_key_reused"))
        elif scope in self.answers:
            assert (outcome, replayed) == (stored, True)
        else:
            assert not replayed
            self._predict(request, outcome)
        self.settle(request.contract.service)

    def _ask(self, request: Request) -> tuple[Any, bool]:
        key, fingerprint = request.key, request.fingerprint
        try:
            return self.testbed.call(request.caller, request.contract, key, fingerprint, **request.arguments)
        except ServiceError as error:
            return error, False

    def _predict(self, request: Request, outcome: Any) -> None:
        def get_answer() -> Any:
            assert not isinstance(outcome, ServiceError), f"refused against the rules: {outcome!r}"
            return outcome

        try:
            request.predict(get_answer)
        except Refused as refused:
            checks.assert_refused(outcome, refused)
        else:
            get_answer()
            scope = (request.contract.service, request.caller.id, request.key)
            self.answers[scope] = (request.fingerprint, outcome)

    def deliver(self, delivery: Delivery) -> None:
        """Delivers an event to a consumer, and to the model."""
        self.is_consistent = False
        note(f"to {delivery.consumer}: {delivery.event.type} {delivery.event.id}")
        self.testbed.deliver(delivery)
        self.model.consume(delivery.consumer, delivery.event)
        self.settle(delivery.consumer)

    def settle(self, service: str) -> None:
        """Compares the events that a service published and its tables with those of the model."""
        seen, events = self.testbed.read_tables(service, self.model)
        for event in events:
            # A clock may also meet orders that an earlier run left behind.
            if service != "orders" or event.body["order_id"] in self.model.orders:
                self._published(event)
        assert not self.model.expected, f"never published: {self.model.expected}"
        assert_tables(service, seen, self.model)
        if self.moved is not None:
            checks.assert_seen(self.testbed, self.moved, self.people)
            self.moved = None
        self.is_consistent = True

    def _published(self, event: PublishedEvent) -> None:
        expected = next((expected for expected in self.model.expected if event.matches(expected)), None)
        assert expected is not None, f"published unasked: {event}"
        self.model.expected.remove(expected)
        self.model.record_published(expected, event.id)
        self.testbed.send(event)

    def teardown(self) -> None:
        """Delivers the pending events shuffled and twice; compares what each person sees with the model."""
        try:
            if self.is_consistent:
                self._deliver_the_rest()
        finally:
            self._travel.stop()

    def _deliver_the_rest(self) -> None:
        while self.testbed.pending:
            for delivery in self.testbed.shuffled_rest(len(self.testbed.delivered)):
                self.deliver(delivery)
        checks.assert_everybody_sees(self.testbed, self.model, self.people)
        checks.assert_names(self.testbed, self.model, self.people)
        checks.assert_offers(self.testbed)
        checks.assert_no_failed_events(self.testbed)
