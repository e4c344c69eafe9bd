"""The rules of the state machine: people act, time passes, events are delivered. Each is one step of a run.

There are few rules with many actions in each, since hypothesis leaves out rules at random in each run.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from services.messaging import contract as messaging
from services.orders import contract as orders
from services.reviews import contract as reviews
from tests.model import checks
from tests.model.lifecycle import TRANSITIONS, Order, Refused
from tests.model.model_run import PEOPLE, PRICES, SELLERS, GetAnswer, ModelRun
from tests.model.records import Message, Review

Draw = Callable[[st.SearchStrategy[Any]], Any]
CATEGORIES = ("order_updates", "messages", "reviews")
TIMER_TRANSITIONS = {"expire_orders": "expire", "confirm_orders": "auto_confirm"}
FORWARD = {1: "approve", 2: "complete_work", 3: "confirm"}
JUMPS = {
    "an hour": timedelta(hours=1),
    "a day": timedelta(hours=25),
    "three days": timedelta(hours=73),
    "five days": timedelta(days=5, minutes=1),
    "two weeks": timedelta(days=14, minutes=1),
    "two months": timedelta(days=61),
}
MOVES = ("go_on", "go_on", "do_what_is_possible", "do_what_is_possible", "try_anything")
MESSAGE_ACTIONS = (
    "post_message", "post_message", "mark_messages_read", "mark_messages_read", "mark_all_read",
    "change_preferences", "change_name",
)  # fmt: skip
REVIEW_ACTIONS = ("submit_review", "submit_review", "change_review", "change_review", "reply_to_review")

people = st.sampled_from(PEOPLE)
pairs = st.tuples(people, st.sampled_from(SELLERS))
strangers_to_each_other = st.sampled_from([(a, b) for a in PEOPLE for b in SELLERS if a != b])
some = st.integers(0, 50)
stars = st.integers(1, 5)
reasons = st.sampled_from(("Because.", "Because.", "Because.", None, " "))
texts = st.sampled_from((None, "Careful and quick.", "Zażółć ☕"))
mostly = st.sampled_from((True, True, True, False))


class MarketMachine(ModelRun):
    """Every public way to change orders, messages and reviews, and every delay in between."""

    @initialize(begun=st.lists(st.tuples(strangers_to_each_other, st.integers(0, 3)), min_size=3, max_size=4))
    def begin(self, begun: list[tuple[tuple[str, str], int]]) -> None:
        for (customer, provider), steps in begun:
            self.submit(customer, provider, None)
            for _ in range(steps):
                self.move_forward(self.orders[-1])

    @rule(data=st.data(), act=st.sampled_from(MOVES))
    def an_order_moves(self, data: Any, act: str) -> None:
        getattr(self, act)(data.draw)

    @rule(pairs=st.lists(pairs, min_size=1, max_size=3), data=st.data())
    def people_order(self, pairs: list[tuple[str, str]], data: Any) -> None:
        for customer, provider in pairs:
            status = "active" if data.draw(mostly) else "paused"
            self.change_offer(provider, status=status, price=data.draw(st.sampled_from(PRICES)))
            self.submit(customer, provider, data.draw(st.sampled_from((None, *PRICES))))

    @rule(data=st.data(), act=st.sampled_from(MESSAGE_ACTIONS))
    def people_talk(self, data: Any, act: str) -> None:
        getattr(self, act)(data.draw)

    @precondition(lambda run: any(order.status == 4 for order in run.orders))
    @rule(data=st.data(), act=st.sampled_from(REVIEW_ACTIONS))
    def people_judge(self, data: Any, act: str) -> None:
        getattr(self, act if self.model.reviews else "submit_review")(data.draw)

    @rule(at=some, changed=st.sampled_from((False, False, True)))
    def a_request_is_repeated(self, at: int, changed: bool) -> None:
        request = self.requests[-1 - at % len(self.requests)]
        was_answered = (request.contract.service, request.caller.id, request.key) in self.answers
        self.perform(replace(request, fingerprint="changed") if changed and was_answered else request)

    @rule(jump=st.sampled_from(sorted(JUMPS)))
    def time_passes(self, jump: str) -> None:
        self.clock.shift(JUMPS[jump])

    @rule(timer=st.sampled_from((*TIMER_TRANSITIONS, "remind_customers")))
    def a_clock_runs(self, timer: str) -> None:
        self.testbed.tick(timer)
        if timer in TIMER_TRANSITIONS:
            self.model.run_timer(TIMER_TRANSITIONS[timer], self.now)
        else:
            self.model.remind(self.now)
        self.settle("orders")

    @precondition(lambda run: run.testbed.pending)
    @rule(picks=st.lists(some, min_size=1, max_size=6))
    def events_arrive(self, picks: list[int]) -> None:
        for at in picks:
            if self.testbed.pending:
                self.deliver(self.testbed.pop_pending(at))

    @precondition(lambda run: run.testbed.delivered)
    @rule(at=some)
    def an_event_arrives_again(self, at: int) -> None:
        delivered = self.testbed.delivered
        self.deliver(delivered[at % len(delivered)])

    # --- orders -------------------------------------------------------------------------------

    def order(self, draw: Draw) -> Order:
        """One of the orders."""
        order: Order = draw(st.sampled_from(self.orders))
        return order

    def name_of(self, person_id: str) -> str:
        """Returns the name of a person."""
        return next(name for name, caller in self.people.items() if caller.id == person_id)

    def submit(self, customer: str, provider: str, price: Any) -> None:
        """Requests an order of a service."""
        service_id = self.services[provider]["service_id"]

        def predict(get_answer: GetAnswer) -> None:
            offer = self.model.offer_for(self.services[provider], customer == provider, price)
            if customer == provider:
                raise Refused("conflict", "own_service")
            if offer["status"] != "active":
                raise Refused("conflict", "service_unavailable")
            if price not in (None, offer["price"]):
                raise Refused("conflict", "price_changed", current_price=offer["price"])
            parties = (self.people[customer].id, self.people[provider].id)
            assert get_answer()["price"] == offer["price"]
            order = Order(get_answer()["id"], *parties, service_id, 3, 1, self.now)
            self.model.submit(order)
            self.moved = order

        wanted = {"service_id": service_id, "requirements": "In D minor.", "expected_price": price}
        self.request(customer, orders.SUBMIT_ORDER, predict, **wanted)

    def transition(self, name: str, order: Order, **wanted: Any) -> None:
        """Requests a transition of an order."""
        caller = self.people[name]

        def predict(get_answer: GetAnswer) -> None:
            self.model.transition(order, caller.id, caller.is_staff, wanted, self.now)
            self.moved = order
            checks.assert_order(get_answer(), order, order.roles_of(caller.id, caller.is_staff))

        self.request(name, orders.TRANSITION_ORDER, predict, order_id=order.id, **wanted)

    def move_forward(self, order: Order) -> None:
        """Requests the transition that leads towards completion."""
        transition = FORWARD.get(order.status, "approve")
        actor_id = order.customer_id if transition == "confirm" else order.provider_id
        self.transition(self.name_of(actor_id), order, transition=transition)

    def go_on(self, draw: Draw) -> None:
        self.move_forward(self.order(draw))

    def do_what_is_possible(self, draw: Draw) -> None:
        order = self.order(draw)
        ways = [
            (name, transition)
            for name, caller in self.people.items()
            for transition in sorted(order.available(order.roles_of(caller.id, caller.is_staff)))
        ]
        if ways:
            name, transition = draw(st.sampled_from(ways))
            to_status = draw(st.sampled_from((2, 4, 7))) if transition == "resolve_dispute" else None
            wanted = {"transition": transition, "reason": draw(reasons), "to_status": to_status}
            self.transition(name, order, **wanted)

    def try_anything(self, draw: Draw) -> None:
        order = self.order(draw)
        behind = draw(st.sampled_from((None, None, 0, 1)))
        wanted = {
            "transition": draw(st.sampled_from(TRANSITIONS)),
            "reason": draw(reasons),
            "to_status": draw(st.sampled_from((None, None, 2, 4, 5, 7))),
            "expected_version": None if behind is None else order.version - behind,
        }
        self.transition(draw(people), order, **wanted)

    # --- messages and notifications -----------------------------------------------------------

    def writer(self, draw: Draw, order: Order) -> str:
        """Mostly a party of the order."""
        party = self.name_of(draw(st.sampled_from((order.customer_id, order.provider_id))))
        return party if draw(mostly) else str(draw(people))

    def post_message(self, draw: Draw) -> None:
        order = self.order(draw)
        name = self.writer(draw, order)
        caller, body = self.people[name], f"Message {len(self.requests)} ☕"

        def predict(get_answer: GetAnswer) -> None:
            self.model.may_write(order, caller.id, caller.is_staff)
            self.model.post(order, Message(get_answer()["id"], caller.id, body))

        self.request(name, messaging.POST_MESSAGE, predict, order_id=order.id, body=body)

    def mark_messages_read(self, draw: Draw) -> None:
        order = self.order(draw)
        name = self.writer(draw, order)
        written = [message.id for message in self.model.messages[order.id]] or [order.id]
        caller, up_to = self.people[name], draw(st.sampled_from(written))

        def predict(_get_answer: GetAnswer) -> None:
            self.model.may_write(order, caller.id, caller.is_staff)
            self.model.mark_read(order, caller.id, up_to)

        self.request(name, messaging.MARK_MESSAGES_READ, predict, order_id=order.id, up_to=up_to)

    def change_preferences(self, draw: Draw) -> None:
        name, category, wanted = draw(people), draw(st.sampled_from(CATEGORIES)), draw(st.booleans())
        choice = (self.people[name].id, category)

        def predict(_get_answer: GetAnswer) -> None:
            (self.model.switched_off.discard if wanted else self.model.switched_off.add)(choice)

        self.request(name, messaging.CHANGE_PREFERENCES, predict, **{category: {"in_app": wanted}})

    def mark_all_read(self, draw: Draw) -> None:
        name = draw(people)
        about = self.order(draw).id if draw(st.booleans()) else None

        def predict(_get_answer: GetAnswer) -> None:
            for notification in self.model.notifications:
                is_meant = (
                    about in (None, notification.order_id)
                    and notification.recipient_id == self.people[name].id
                )
                notification.read = notification.read or is_meant

        self.request(name, messaging.MARK_ALL_READ, predict, **({"order_id": about} if about else {}))

    def change_name(self, draw: Draw) -> None:
        name = draw(people)
        self.versions[name] += 1
        self.people[name] = replace(self.people[name], display_name=f"{name} {self.versions[name]}")
        self.testbed.rename(self.people[name].id, self.people[name].display_name, self.versions[name])

    # --- reviews ------------------------------------------------------------------------------

    def submit_review(self, draw: Draw) -> None:
        completed = [order for order in self.orders if order.status == 4]
        order = draw(st.sampled_from(completed if draw(mostly) else self.orders))
        name = self.name_of(order.customer_id) if draw(mostly) else draw(people)
        caller, rating, text = self.people[name], draw(stars), draw(texts)

        def predict(get_answer: GetAnswer) -> None:
            self.model.may_review(order, caller.id, caller.is_staff, self.now)
            self.model.add_review(Review(get_answer()["id"], order, rating, text, self.now))

        self.request(name, reviews.SUBMIT_REVIEW, predict, order_id=order.id, rating=rating, text=text)

    def review(self, draw: Draw) -> Review:
        """One of the reviews."""
        review: Review = draw(st.sampled_from(list(self.model.reviews.values())))
        return review

    def change_review(self, draw: Draw) -> None:
        review = self.review(draw)
        name = self.name_of(review.order.customer_id) if draw(mostly) else draw(people)
        some_fields = draw(st.sampled_from((("rating",), ("text",), ("rating", "text"))))
        changes = {field: draw({"rating": stars, "text": texts}[field]) for field in some_fields}
        caller = self.people[name]

        def predict(_get_answer: GetAnswer) -> None:
            self.model.edit(review, caller.id, caller.is_staff, changes, self.now)

        self.request(name, reviews.CHANGE_REVIEW, predict, review_id=review.id, **changes)

    def reply_to_review(self, draw: Draw) -> None:
        review = self.review(draw)
        name = self.name_of(review.order.provider_id) if draw(mostly) else draw(people)
        caller = self.people[name]

        def predict(_get_answer: GetAnswer) -> None:
            self.model.reply(review, caller.id, caller.is_staff, "Thank you!")

        self.request(name, reviews.REPLY_TO_REVIEW, predict, review_id=review.id, text="Thank you!")
