"""The reviews process: reviews of completed orders and the ratings they add up to."""

from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.storage.database import Database
from chassis.storage.idempotency import run_idempotently
from services.accounts import contract as accounts_contract
from services.orders import contract as orders_contract
from services.orders.types import Order
from services.reviews import contract, queries
from services.reviews.commands import submit_review as writing
from services.reviews.projections import save_display_name, save_order_of_event
from services.reviews.settings import ReviewPeriods
from services.unknown_orders import run_with_order

Json = Any


class ReviewsService:
    """What others may ask of reviews, and what it hears from orders and accounts."""

    name = "reviews"

    db = Database()
    call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")
    periods = SettingsProvider(ReviewPeriods)

    @rpc(contract.SUBMIT_REVIEW)
    def submit_review(self, order_id: str, rating: int, text: str | None) -> Json:
        """Submits the customer's review of a completed order."""
        caller, draft, periods = self.call.account, writing.Draft(order_id, rating, text), self.periods

        def submit_with(order: Order | None) -> Json:
            return run_idempotently(
                self.db, self.call, lambda c: writing.submit(c, caller, draft, periods, order)
            )

        return run_with_order(self.orders, order_id, submit_with)

    @rpc(contract.GET_REVIEW)
    def get_review(self, order_id: str) -> Json:
        """The review of an order, for its parties and staff."""
        caller, periods = self.call.account, self.periods

        def read_with(order: Order | None) -> Json:
            return self.db.read(lambda c: queries.review_of_order(c, order_id, caller, periods, order))

        return run_with_order(self.orders, order_id, read_with)

    @rpc(contract.CHANGE_REVIEW)
    def change_review(self, review_id: str, **changes: Any) -> Json:
        """Changes the rating or the text, by the author while the review is young."""
        caller, periods = self.call.account, self.periods
        return run_idempotently(
            self.db, self.call, lambda c: writing.edit(c, caller, review_id, changes, periods)
        )

    @rpc(contract.REPLY_TO_REVIEW)
    def reply_to_review(self, review_id: str, text: str) -> Json:
        """Adds the provider's one reply."""
        caller, periods = self.call.account, self.periods
        return run_idempotently(
            self.db, self.call, lambda c: writing.answer(c, caller, review_id, text, periods)
        )

    @rpc(contract.LIST_PROFILE_REVIEWS)
    def list_profile_reviews(
        self, account_id: str, limit: int, cursor: str | None, service_id: str | None = None
    ) -> Json:
        """A provider's reviews for anybody, newest first, hidden ones left out."""
        periods = self.periods
        return self.db.read(
            lambda c: queries.reviews_of_provider(c, periods, account_id, limit, cursor, service_id)
        )

    @rpc(contract.GET_SERVICE_RATING)
    def get_service_rating(self, service_id: str) -> Json:
        """How many of each star a service was given, for anybody."""
        return self.db.read(lambda c: queries.rating_of_service(c, service_id))

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: Json) -> None:
        """Unlocks the review of an order that was completed."""
        save_order_of_event(connection, event)

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: Json) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: Json) -> None:
        """Stores the new display name."""
        save_display_name(connection, event)
