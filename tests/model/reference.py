"""The marketplace as the documentation describes it: a small model in memory, without code of the product.

`expected` lists the events that the last step must have published and nothing else.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.model.lifecycle import Line, Order, Refused
from tests.model.records import ExpectedEvent, Message, Notification, PublishedEvent, Review, Thread
from tests.support.notification_types import TYPE_OF_TRANSITION

REVIEW_WINDOW, EDIT_WINDOW = timedelta(days=60), timedelta(hours=24)
Json = dict[str, Any]


@dataclass
class Marketplace:
    """Orders, their messages and reviews, and the notifications about them."""

    orders: dict[str, Order] = field(default_factory=dict)
    offers: dict[str, Json] = field(default_factory=dict)  # as far as orders knows, by service
    messages: dict[str, list[Message]] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    reviews: dict[str, Review] = field(default_factory=dict)
    ratings: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    notifications: list[Notification] = field(default_factory=list)
    switched_off: set[tuple[str, str]] = field(default_factory=set)
    consumed: set[tuple[str, str]] = field(default_factory=set)
    expected: list[ExpectedEvent] = field(default_factory=list)
    moves: int = 0

    # --- orders -------------------------------------------------------------------------------

    def offer_for(self, current: Json, is_own: bool, price: Json | None) -> Json:
        """Returns the offer by which orders accepts or refuses: the one it knows, or if it knows none or
        would refuse that one for its status or price, the current one, which it knows from then on."""
        known = self.offers.get(current["service_id"])
        if known is not None and (
            is_own or (known["status"] == "active" and price in (None, known["price"]))
        ):
            return known
        self.publish_offer(current)
        return current

    def publish_offer(self, offer: Json) -> None:
        """Orders hears of an offer, perhaps not for the first time or later than of a newer one."""
        known = self.offers.get(offer["service_id"])
        if known is None or known["service_version"] < offer["service_version"]:
            self.offers[offer["service_id"]] = offer

    def submit(self, order: Order) -> None:
        """A customer orders."""
        self.orders[order.id] = order
        self.messages[order.id] = []
        line = Line("submit", None, 1, order.customer_id, "customer", None, order.created_at)
        order.history.append(line)
        self._expect_status_event(order)

    def transition(self, order: Order, person_id: str, staff: bool, wanted: Json, now: datetime) -> None:
        """Applies a transition that a person requests. Raises: Refused."""
        roles = order.roles_of(person_id, staff)
        order.refuse(roles, wanted, staff)
        order.apply(
            wanted["transition"], person_id, roles, now, wanted.get("reason"), wanted.get("to_status")
        )
        self._expect_status_event(order)

    def run_timer(self, transition: str, now: datetime) -> None:
        """The system expires or confirms what is due."""
        for order in self.orders.values():
            if order.clock_transition(now) == transition:
                order.apply(transition, None, ["system"], now)
                self._expect_status_event(order)

    def remind(self, now: datetime) -> None:
        """The system reminds customers."""
        for order in self.orders.values():
            if (day := order.due_reminder(now)) is not None:
                self._expect("orders", "order_reminder_due", order_id=order.id, day=day)

    def _expect_status_event(self, order: Order) -> None:
        line = order.history[-1]
        self._expect(
            "orders",
            "order_status_changed",
            order_id=order.id,
            sequence=order.version,
            order_version=order.version,
            transition=line.transition,
            from_status=line.from_status,
            to_status=line.to_status,
            disputed=order.disputed_at is not None,
            reason=line.reason,
        )

    # --- messages -----------------------------------------------------------------------------

    def may_read(self, order: Order, person_id: str, staff: bool) -> None:
        """Raises: Refused for a stranger; for others messaging knows the thread from now on."""
        if not order.roles_of(person_id, staff):
            raise Refused("not_found", "not_found")
        self.threads.setdefault(order.id, Thread(0, order.version, order.status, self._move()))

    def may_write(self, order: Order, person_id: str, staff: bool) -> None:
        """Raises: Refused for a stranger and for staff."""
        self.may_read(order, person_id, staff)
        if order.roles_of(person_id, staff) == ["staff"]:
            raise Refused("forbidden", "not_allowed")

    def post(self, order: Order, message: Message) -> None:
        """Posts a message of a party and notifies the other one."""
        self.messages[order.id].append(message)
        self.threads[order.id].moved = self._move()
        other = order.provider_id if message.author_id == order.customer_id else order.customer_id
        wanted = self._wants(other, "messages")
        fields = {"message_id": message.id, "order_id": order.id, "recipient_ids": [other]}
        notifies = (other, order.id) if wanted else None
        self.expected.append(ExpectedEvent("messaging", "message_posted", fields, notifies))
        if wanted:
            self._expect_notification(other, "message_posted", order.id)

    def mark_read(self, order: Order, reader_id: str, up_to: str) -> None:
        """A party has read the other's messages so far. Raises: Refused."""
        ids = [message.id for message in self.messages[order.id]]
        if up_to not in ids:
            raise Refused("invalid", "unknown_message")
        for message in self.messages[order.id][: ids.index(up_to) + 1]:
            message.read = message.read or message.author_id != reader_id

    def unread(self, order: Order, person_id: str) -> int:
        """How many messages of the other party somebody has not read."""
        return sum(not message.read and message.author_id != person_id for message in self.messages[order.id])

    # --- reviews ------------------------------------------------------------------------------

    def review_of(self, order: Order) -> Review | None:
        """The order's review."""
        return next((review for review in self.reviews.values() if review.order is order), None)

    def may_review(self, order: Order, person_id: str, staff: bool, now: datetime) -> None:
        """Raises: Refused."""
        self._require("customer", order, person_id, staff)
        if order.status != 4:
            raise Refused("conflict", "order_not_completed", current_status=order.status)
        if self.review_of(order):
            raise Refused("conflict", "review_exists")
        if now - order.history[-1].at > REVIEW_WINDOW:
            raise Refused("conflict", "review_window_closed")

    def add_review(self, review: Review) -> None:
        """Adds the customer's review to the ratings."""
        self.reviews[review.id] = review
        self._expect("reviews", "review_submitted", **self._said(review))
        self._rate(review.order, review.rating, 1)

    def edit(self, review: Review, person_id: str, staff: bool, changes: Json, now: datetime) -> None:
        """Changes a review for its author. Raises: Refused."""
        self._require("customer", review.order, person_id, staff)
        if now - review.created_at > EDIT_WINDOW:
            raise Refused("conflict", "review_edit_window_closed")
        rating, text = changes.get("rating", review.rating), changes.get("text", review.text)
        if (rating, text) == (review.rating, review.text):
            return
        more_stars = rating - review.rating
        review.rating, review.text, review.version = rating, text, review.version + 1
        self._expect("reviews", "review_changed", change="edited", **self._said(review))
        if more_stars:
            self._rate(review.order, more_stars, 0)

    def reply(self, review: Review, person_id: str, staff: bool, text: str) -> None:
        """Adds the one reply of the provider. Raises: Refused."""
        self._require("provider", review.order, person_id, staff)
        if review.reply is not None:
            raise Refused("conflict", "reply_exists")
        review.reply, review.version = text, review.version + 1
        self._expect("reviews", "review_changed", change="replied", **self._said(review))

    def _said(self, review: Review) -> Json:
        return {
            "review_id": review.id,
            "order_id": review.order.id,
            "rating": review.rating,
            "review_version": review.version,
        }

    def _rate(self, order: Order, stars: int, count: int) -> None:
        for subject in (("provider", order.provider_id), ("service", order.service_id)):
            known_stars, known_count, version = self.ratings.get(subject, (0, 0, 0))
            self.ratings[subject] = (known_stars + stars, known_count + count, version + 1)
            total, reviews, version = self.ratings[subject]
            self._expect(
                "reviews",
                "rating_changed",
                subject=subject[0],
                subject_id=subject[1],
                stars_total=total,
                count=reviews,
                rating_version=version,
            )

    @staticmethod
    def _require(role: str, order: Order, person_id: str, staff: bool) -> None:
        roles = order.roles_of(person_id, staff)
        if not roles:
            raise Refused("not_found", "not_found")
        if roles[0] != role:
            raise Refused("forbidden", "not_allowed")

    # --- events -------------------------------------------------------------------------------

    def record_published(self, expected: ExpectedEvent, event_id: str) -> None:
        """Records an expected event as published; a message stores its notification with it."""
        if expected.notifies is not None:
            recipient_id, order_id = expected.notifies
            self.notifications.append(Notification(recipient_id, "message_posted", order_id, event_id))

    def consume(self, consumer: str, event: PublishedEvent) -> None:
        """Delivers an event to a consumer, perhaps not for the first time."""
        if (consumer, event.id) in self.consumed:
            return
        self.consumed.add((consumer, event.id))
        if event.type == "service_changed":
            self.publish_offer(event.body["offer"])
        if consumer != "messaging" or event.type == "account_updated":
            return
        order = self.orders[event.body["order_id"]]
        if event.type == "order_status_changed":
            self._update_thread(order, event.body["sequence"])
        for recipient_id, type_, category in self._recipients_of(order, event):
            if self._wants(recipient_id, category):
                self.notifications.append(Notification(recipient_id, type_, order.id, event.id))
                self._expect_notification(recipient_id, type_, order.id)

    def _update_thread(self, order: Order, sequence: int) -> None:
        known = self.threads.get(order.id)
        if known is None or (known.sequence < sequence and known.version <= sequence):
            status = order.history[sequence - 1].to_status
            self.threads[order.id] = Thread(sequence, sequence, status, self._move())

    @staticmethod
    def _recipients_of(order: Order, event: PublishedEvent) -> list[tuple[str, str, str]]:
        if event.type == "order_reminder_due":
            return [(order.customer_id, "order_reminder", "order_updates")]
        if event.type == "review_submitted":
            return [(order.provider_id, "review_submitted", "reviews")]
        if event.type == "review_changed":
            replied = event.body["change"] == "replied"
            return [(order.customer_id, "review_replied", "reviews")] if replied else []
        line = order.history[event.body["sequence"] - 1]
        others = {"customer": [order.provider_id], "provider": [order.customer_id]}
        recipients = others.get(line.role, [order.customer_id, order.provider_id])
        return [
            (recipient_id, TYPE_OF_TRANSITION[line.transition], "order_updates")
            for recipient_id in recipients
        ]

    def _wants(self, person_id: str, category: str) -> bool:
        return (person_id, category) not in self.switched_off

    def _expect_notification(self, recipient_id: str, type_: str, order_id: str) -> None:
        fields = {"account_id": recipient_id, "type": type_, "order_id": order_id}
        self.expected.append(ExpectedEvent("messaging", "notification_created", fields))

    def _expect(self, owner: str, type_: str, **fields: Any) -> None:
        self.expected.append(ExpectedEvent(owner, type_, fields))

    def _move(self) -> int:
        self.moves += 1
        return self.moves
