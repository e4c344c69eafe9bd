"""The messaging process: threads and messages of orders, notifications, preferences."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import CallContext
from chassis.storage.database import Database
from chassis.storage.idempotency import run_idempotently
from kit.errors import NotFound
from kit.paging import Page, page_of
from kit.validation import is_id, rfc3339
from services.accounts import contract as accounts_contract
from services.messaging import contract, queries
from services.messaging.commands import change_preferences as preferences
from services.messaging.commands import notify as delivery
from services.messaging.commands import post_message as threads
from services.messaging.cursors import moment_and_id, place_in_thread
from services.messaging.notifications import (
    notifications_of_payment,
    notifications_of_payout,
    notifications_of_reminder,
    notifications_of_review,
    notifications_of_review_change,
    notifications_of_transition,
)
from services.messaging.projections import (
    save_display_name,
    save_thread_of_event,
    with_thread,
)
from services.messaging.rendering import (
    render_message,
    render_notification,
    render_preferences,
    render_thread,
)
from services.orders import contract as orders_contract
from services.payments import contract as payments_contract
from services.reviews import contract as reviews_contract

Json = Any
Event = dict[str, Any]
Channels = Mapping[str, bool]


class MessagingService:
    """What happens between the two parties of an order, and what each person is told."""

    name = contract.SERVICE

    db = Database()
    call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")

    # --- threads and messages -----------------------------------------------------------------

    @rpc(contract.LIST_MESSAGES)
    def list_messages(self, order_id: str, limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        """An order's messages, newest first, for its parties and staff."""
        caller = self.call.account
        filters = {"list": "messages", "order_id": order_id}
        before = place_in_thread(cursor, filters)

        def load(connection: Connection) -> Any:
            return queries.messages_of_thread(connection, order_id, caller, before, limit + 1)

        rows = with_thread(self.db, self.orders, order_id, lambda: self.db.read(load))
        return page_of(rows, limit, filters, lambda row: [row.position], render_message)

    @rpc(contract.POST_MESSAGE)
    def post_message(self, order_id: str, body: str) -> Json:
        """A message of one party to the other, at any status of the order."""
        caller = self.call.account

        def effect(connection: Connection) -> Json:
            return threads.post_message(connection, caller, order_id, body)

        return with_thread(
            self.db, self.orders, order_id, lambda: run_idempotently(self.db, self.call, effect)
        )

    @rpc(contract.MARK_MESSAGES_READ)
    def mark_messages_read(self, order_id: str, up_to: str) -> None:
        """What the other party wrote up to this message was read."""
        caller = self.call.account

        def effect(connection: Connection) -> None:
            threads.mark_messages_read(connection, caller, order_id, up_to)

        with_thread(self.db, self.orders, order_id, lambda: run_idempotently(self.db, self.call, effect))

    @rpc(contract.LIST_THREADS)
    def list_threads(self, limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        """The caller's inbox, newest activity first."""
        account_id = self.call.account.id
        filters = {"list": "threads", "account_id": account_id}
        after = moment_and_id(cursor, filters)
        rows = self.db.read(lambda connection: queries.inbox(connection, account_id, after, limit + 1))
        return page_of(
            rows, limit, filters, lambda row: [rfc3339(row.updated_at), str(row.order_id)], render_thread
        )

    # --- notifications ------------------------------------------------------------------------

    @rpc(contract.LIST_NOTIFICATIONS)
    def list_notifications(self, unread: bool | None, limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        """The caller's notifications, newest first."""
        account_id = self.call.account.id
        filters = {"list": "notifications", "account_id": account_id, "unread": unread}
        query = queries.notifications_page(account_id, unread, moment_and_id(cursor, filters), limit + 1)
        rows = self.db.read(lambda connection: connection.execute(query).all())
        return page_of(
            rows, limit, filters, lambda row: [rfc3339(row.created_at), row.id], render_notification
        )

    @rpc(contract.COUNT_UNREAD)
    def count_unread(self) -> Json:
        """How many notifications the caller has not read."""
        query = queries.unread_notifications(self.call.account.id)
        return {"count": self.db.read(lambda connection: connection.execute(query).scalar_one())}

    @rpc(contract.MARK_NOTIFICATION)
    def mark_notification(self, notification_id: str, read: bool) -> Json:
        """Marks one of the caller's notifications read or unread."""
        account_id = self.call.account.id
        if not is_id(notification_id):
            raise NotFound("There is no such notification.")
        return run_idempotently(
            self.db, self.call, lambda c: delivery.mark_notification(c, account_id, notification_id, read)
        )

    @rpc(contract.MARK_ALL_READ)
    def mark_all_read(self, order_id: str | None = None) -> None:
        """Marks the caller's notifications read, those that exist by now: all, or those about an order."""
        account_id = self.call.account.id
        run_idempotently(self.db, self.call, lambda c: delivery.mark_all_read(c, account_id, order_id))

    # --- preferences --------------------------------------------------------------------------

    @rpc(contract.GET_PREFERENCES)
    def get_preferences(self) -> Json:
        """The caller's preferences; the defaults until they changed something."""
        query = queries.preferences_of(self.call.account.id)
        return render_preferences(self.db.read(lambda connection: connection.execute(query).first()))

    @rpc(contract.CHANGE_PREFERENCES)
    def change_preferences(
        self,
        order_updates: Channels | None = None,
        messages: Channels | None = None,
        reviews: Channels | None = None,
        payments: Channels | None = None,
    ) -> Json:
        """Changes what is given of the caller's preferences and leaves the rest."""
        account_id = self.call.account.id
        given = dict(zip(contract.CATEGORIES, (order_updates, messages, reviews, payments), strict=True))
        changes = {category: channels for category, channels in given.items() if channels}
        return run_idempotently(
            self.db, self.call, lambda c: preferences.change_preferences(c, account_id, changes)
        )

    # --- facts of others ----------------------------------------------------------------------

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: Event) -> None:
        """Keeps the thread's order current, and notifies whatever the order of arrival."""
        save_thread_of_event(connection, event)
        delivery.deliver(connection, notifications_of_transition(event))

    @on_event(orders_contract.ORDER_REMINDER_DUE)
    def on_order_reminder_due(self, connection: Connection, event: Event) -> None:
        """Reminds the customer."""
        delivery.deliver(connection, notifications_of_reminder(event))

    @on_event(reviews_contract.REVIEW_SUBMITTED)
    def on_review_submitted(self, connection: Connection, event: Event) -> None:
        """Tells the provider."""
        delivery.deliver(connection, notifications_of_review(event))

    @on_event(reviews_contract.REVIEW_CHANGED)
    def on_review_changed(self, connection: Connection, event: Event) -> None:
        """Tells the customer of a reply."""
        delivery.deliver(connection, notifications_of_review_change(event))

    @on_event(payments_contract.PAYMENT_CHANGED)
    def on_payment_changed(self, connection: Connection, event: Event) -> None:
        """Tells whom it concerns."""
        delivery.deliver(connection, notifications_of_payment(event))

    @on_event(payments_contract.PAYOUT_CHANGED)
    def on_payout_changed(self, connection: Connection, event: Event) -> None:
        """Tells the provider."""
        delivery.deliver(connection, notifications_of_payout(event))

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: Event) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: Event) -> None:
        """Stores the new display name."""
        save_display_name(connection, event)
