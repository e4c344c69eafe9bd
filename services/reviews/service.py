"""The reviews process: reviews of completed orders and the ratings that follow from them."""

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import Call, CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.storage.database import Database, Db
from chassis.storage.idempotency import run_idempotently
from kit.paging import Page
from services.accounts import contract as accounts_contract
from services.accounts.types import AccountNamed
from services.orders import contract as orders_contract
from services.orders.types import OrderStatusChanged
from services.reviews import contract, queries
from services.reviews.commands.change_review import change_review
from services.reviews.commands.reply_to_review import reply_to_review
from services.reviews.commands.submit_review import Draft, submit_review
from services.reviews.projections import save_display_name, save_order_of_event
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review, ServiceRating

READ_SECONDS = 1.0  # how long a read waits for orders before it answers from what is known


class ReviewsService:
    """Reviews of completed orders, and the events of orders and accounts that they need."""

    name = "reviews"

    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")
    orders_for_reads = ServiceClient("orders", timeout_seconds=READ_SECONDS)
    periods: ReviewPeriods = SettingsProvider(ReviewPeriods)

    @rpc(contract.SUBMIT_REVIEW)
    def submit_review(self, order_id: str, rating: int, text: str | None) -> Review:
        """Submits the customer's review of a completed order."""
        return submit_review(self.db, self.call, self.orders, self.periods, Draft(order_id, rating, text))

    @rpc(contract.GET_REVIEW)
    def get_review(self, order_id: str) -> Review:
        """Returns the review of an order, for its parties and staff."""
        caller = self.call.account
        return queries.get_review(self.db, self.orders_for_reads, caller, order_id, self.periods)

    @rpc(contract.CHANGE_REVIEW)
    def change_review(self, review_id: str, **changes: int | str | None) -> Review:
        """Changes the rating or the text, by the author until the edit deadline."""
        caller = self.call.account
        return run_idempotently(
            self.db, self.call, lambda c: change_review(c, caller, review_id, changes, self.periods)
        )

    @rpc(contract.REPLY_TO_REVIEW)
    def reply_to_review(self, review_id: str, text: str) -> Review:
        """Adds the provider's one reply."""
        caller = self.call.account
        return run_idempotently(
            self.db, self.call, lambda c: reply_to_review(c, caller, review_id, text, self.periods)
        )

    @rpc(contract.LIST_PROFILE_REVIEWS)
    def list_profile_reviews(
        self, account_id: str, limit: int, cursor: str | None, service_id: str | None = None
    ) -> Page[Review]:
        """Lists a provider's reviews for anybody, newest first, without hidden ones."""
        return self.db.read(
            lambda c: queries.reviews_of_provider(c, self.periods, account_id, limit, cursor, service_id)
        )

    @rpc(contract.GET_SERVICE_RATING)
    def get_service_rating(self, service_id: str) -> ServiceRating:
        """Counts how many of each star a service was given, for anybody."""
        return self.db.read(lambda c: queries.rating_of_service(c, service_id))

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: OrderStatusChanged) -> None:
        """Stores the order's status, which unlocks the review of a completed one."""
        save_order_of_event(connection, event)

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the new display name."""
        save_display_name(connection, event)
