"""One run: the real services and the model side by side, and what is compared after every step."""

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
from tests.model.records import Published
from tests.model.reference import Marketplace
from tests.model.tables import assert_right
from tests.model.testbed import Delivery, World
from tests.support.service_harness import person

Json = dict[str, Any]
Take = Callable[[], Any]  # gives the answer; fails when there was a refusal instead
BEGINNING = datetime(2000, 1, 1, 12, tzinfo=UTC)  # however far a run jumps, it stays in the past
PEOPLE = ("Ada", "Bo", "Cleo", "Stef", "Sam")
SELLERS, STAFF = PEOPLE[:4], ("Stef", "Sam")  # Stef is staff, and buys and sells as well


@dataclass(frozen=True)
class Request:
    """A changing call under a key. `foretell` is what the model makes of it: a refusal, or an effect."""

    caller: Caller
    contract: Rpc
    arguments: Json
    foretell: Callable[[Take], None]
    key: str
    fingerprint: str = "as first sent"


class Stage(RuleBasedStateMachine):
    """People, the services they use and the model of both; rules come in a subclass."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.model = world, Marketplace()
        self.people = {name: person(name, *["staff"] * (name in STAFF)) for name in PEOPLE}
        self.versions = dict.fromkeys(PEOPLE, 1)
        self.requests: list[Request] = []
        self.answers: dict[tuple[str, str, str], tuple[str, Any]] = {}
        self.moved: Order | None = None
        self.agreed = True
        self._travel = time_machine.travel(BEGINNING, tick=False)
        self.clock = self._travel.start()
        world.begin()
        self.services = {name: self._offer(self.people[name]) for name in SELLERS}

    def _offer(self, provider: Caller) -> Json:
        offer: Json = {
            "service_id": str(uuid6.uuid7()),
            "title": f"A song by {provider.display_name}",
            "price": {"amount": 4500, "currency": "EUR"},
            "delivery_days": 3,
            "revisions": 1,
            "status": "active",
            "provider": {"id": provider.id, "display_name": provider.display_name},
        }
        self.world.offers[offer["service_id"]] = offer
        return offer

    @property
    def orders(self) -> list[Order]:
        """In the order of their submission."""
        return list(self.model.orders.values())

    @property
    def now(self) -> datetime:
        """The run's own time, which only stands and jumps."""
        return datetime.now(UTC)

    def request(self, name: str, contract: Rpc, foretell: Callable[[Take], None], **arguments: Any) -> None:
        """Somebody asks for something new."""
        request = Request(self.people[name], contract, arguments, foretell, str(uuid6.uuid7()))
        self.requests.append(request)
        self.perform(request)

    def perform(self, request: Request) -> None:
        """Asks the real service, then the model; both must say the same."""
        self.agreed = False
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
            self._foretell(request, outcome)
        self.settle(request.contract.service)

    def _ask(self, request: Request) -> tuple[Any, bool]:
        key, fingerprint = request.key, request.fingerprint
        try:
            return self.world.call(request.caller, request.contract, key, fingerprint, **request.arguments)
        except ServiceError as error:
            return error, False

    def _foretell(self, request: Request, outcome: Any) -> None:
        def take() -> Any:
            assert not isinstance(outcome, ServiceError), f"refused against the rules: {outcome!r}"
            return outcome

        try:
            request.foretell(take)
        except Refused as refused:
            checks.assert_refused(outcome, refused)
        else:
            take()
            scope = (request.contract.service, request.caller.id, request.key)
            self.answers[scope] = (request.fingerprint, outcome)

    def deliver(self, delivery: Delivery) -> None:
        """An event reaches a consumer, and the model knows it."""
        self.agreed = False
        note(f"to {delivery.consumer}: {delivery.event.type} {delivery.event.id}")
        self.world.deliver(delivery)
        self.model.hear(delivery.consumer, delivery.event)
        self.settle(delivery.consumer)

    def settle(self, service: str) -> None:
        """What a service published is exactly what the model expected, and its tables agree with it."""
        seen, events = self.world.look(service, self.model)
        for event in events:
            # A clock may also meet orders that an earlier run left behind.
            if service != "orders" or event.body["order_id"] in self.model.orders:
                self._published(event)
        assert not self.model.expected, f"never published: {self.model.expected}"
        assert_right(service, seen, self.model)
        if self.moved is not None:
            checks.assert_seen(self.world, self.moved, self.people)
            self.moved = None
        self.agreed = True

    def _published(self, event: Published) -> None:
        fact = next((fact for fact in self.model.expected if event.fits(fact)), None)
        assert fact is not None, f"published unasked: {event}"
        self.model.expected.remove(fact)
        self.model.happened(fact, event.id)
        self.world.send(event)

    def teardown(self) -> None:
        """All that is left is delivered, shuffled and doubled; everybody sees what the model says."""
        try:
            if self.agreed:
                self._end_quietly()
        finally:
            self._travel.stop()

    def _end_quietly(self) -> None:
        while self.world.pending:
            for delivery in self.world.shuffled_rest(len(self.world.delivered)):
                self.deliver(delivery)
        checks.assert_everybody_sees(self.world, self.model, self.people)
        checks.assert_names(self.world, self.model, self.people)
        checks.assert_quiet(self.world)
