"""The messaging process: threads and messages of orders, notifications, preferences."""

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import Call, CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database, Db
from chassis.storage.idempotency import run_idempotently
from kit.paging import Page
from services.accounts import contract as accounts_contract
from services.accounts.types import AccountNamed
from services.messaging import contract, queries
from services.messaging.commands.change_preferences import ChannelChanges, change_preferences
from services.messaging.commands.mark_messages_read import mark_messages_read
from services.messaging.commands.mark_notifications import mark_all_read, mark_notification
from services.messaging.commands.notify import follow_order, notify
from services.messaging.commands.post_message import post_message
from services.messaging.commands.purge_notifications import purge_notifications
from services.messaging.notifications import (
    notifications_of_payment,
    notifications_of_payout,
    notifications_of_reminder,
    notifications_of_review,
    notifications_of_review_change,
    notifications_of_transition,
)
from services.messaging.projections import (
    read_thread,
    save_display_name,
)
from services.messaging.settings import MessagingSettings
from services.messaging.types import Message, Notification, Preferences, Thread, UnreadCount
from services.orders import contract as orders_contract
from services.orders.types import OrderReminderDue, OrderStatusChanged
from services.payments import contract as payments_contract
from services.payments.types import PaymentChanged, PayoutChanged
from services.reviews import contract as reviews_contract
from services.reviews.types import ReviewChanged, ReviewSubmitted

PURGE_SECONDS = 3600.0


class MessagingService:
    """Messages between the two parties of an order, and everybody's notifications."""

    name = contract.SERVICE

    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")
    settings: MessagingSettings = SettingsProvider(MessagingSettings)

    # --- threads and messages -----------------------------------------------------------------

    @rpc(contract.LIST_MESSAGES)
    def list_messages(self, order_id: str, limit: int, cursor: str | None) -> Page[Message]:
        """Lists an order's messages, newest first, for its parties and staff."""
        caller = self.call.account
        return read_thread(
            self.db,
            self.orders,
            order_id,
            lambda c: queries.list_messages(c, caller, order_id, limit, cursor),
        )

    @rpc(contract.POST_MESSAGE)
    def post_message(self, order_id: str, body: str) -> Message:
        """Posts a message of one party to the other, at any status of the order."""
        return post_message(self.db, self.call, self.orders, order_id, body)

    @rpc(contract.MARK_MESSAGES_READ)
    def mark_messages_read(self, order_id: str, up_to: str) -> None:
        """Marks what the other party wrote up to a message as read."""
        mark_messages_read(self.db, self.call, self.orders, order_id, up_to)

    @rpc(contract.LIST_THREADS)
    def list_threads(self, limit: int, cursor: str | None) -> Page[Thread]:
        """Lists the caller's inbox, newest activity first."""
        account_id = self.call.account.id
        return self.db.read(lambda c: queries.list_threads(c, account_id, limit, cursor))

    # --- notifications ------------------------------------------------------------------------

    @rpc(contract.LIST_NOTIFICATIONS)
    def list_notifications(self, unread: bool | None, limit: int, cursor: str | None) -> Page[Notification]:
        """Lists the caller's notifications, newest first."""
        account_id = self.call.account.id
        return self.db.read(lambda c: queries.list_notifications(c, account_id, unread, limit, cursor))

    @rpc(contract.COUNT_UNREAD)
    def count_unread(self) -> UnreadCount:
        """Counts the caller's unread notifications."""
        account_id = self.call.account.id
        return {"count": self.db.read(lambda c: queries.count_unread(c, account_id))}

    @rpc(contract.MARK_NOTIFICATION)
    def mark_notification(self, notification_id: str, read: bool) -> Notification:
        """Marks one of the caller's notifications read or unread."""
        account_id = self.call.account.id
        return run_idempotently(
            self.db, self.call, lambda c: mark_notification(c, account_id, notification_id, read)
        )

    @rpc(contract.MARK_ALL_READ)
    def mark_all_read(self, order_id: str | None = None) -> None:
        """Marks the caller's present notifications read: all, or those about an order."""
        account_id = self.call.account.id
        run_idempotently(self.db, self.call, lambda c: mark_all_read(c, account_id, order_id))

    # --- preferences --------------------------------------------------------------------------

    @rpc(contract.GET_PREFERENCES)
    def get_preferences(self) -> Preferences:
        """Returns the caller's preferences; the defaults until they changed something."""
        account_id = self.call.account.id
        return self.db.read(lambda c: queries.get_preferences(c, account_id))

    @rpc(contract.CHANGE_PREFERENCES)
    def change_preferences(
        self,
        order_updates: ChannelChanges | None = None,
        messages: ChannelChanges | None = None,
        reviews: ChannelChanges | None = None,
        payments: ChannelChanges | None = None,
    ) -> Preferences:
        """Changes what is given of the caller's preferences and leaves the rest."""
        account_id = self.call.account.id
        changes = {
            "order_updates": order_updates,
            "messages": messages,
            "reviews": reviews,
            "payments": payments,
        }
        return run_idempotently(self.db, self.call, lambda c: change_preferences(c, account_id, changes))

    # --- events of other services ---------------------------------------------------------------

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: OrderStatusChanged) -> None:
        """Updates the thread if the event is newer, and notifies in any case."""
        follow_order(connection, event, notifications_of_transition(event))

    @on_event(orders_contract.ORDER_REMINDER_DUE)
    def on_order_reminder_due(self, connection: Connection, event: OrderReminderDue) -> None:
        """Reminds the customer."""
        notify(connection, notifications_of_reminder(event))

    @on_event(reviews_contract.REVIEW_SUBMITTED)
    def on_review_submitted(self, connection: Connection, event: ReviewSubmitted) -> None:
        """Notifies the provider."""
        notify(connection, notifications_of_review(event))

    @on_event(reviews_contract.REVIEW_CHANGED)
    def on_review_changed(self, connection: Connection, event: ReviewChanged) -> None:
        """Notifies the customer of a reply."""
        notify(connection, notifications_of_review_change(event))

    @on_event(payments_contract.PAYMENT_CHANGED)
    def on_payment_changed(self, connection: Connection, event: PaymentChanged) -> None:
        """Notifies the customer, or both parties."""
        notify(connection, notifications_of_payment(event))

    @on_event(payments_contract.PAYOUT_CHANGED)
    def on_payout_changed(self, connection: Connection, event: PayoutChanged) -> None:
        """Notifies the provider."""
        notify(connection, notifications_of_payout(event))

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the new display name."""
        save_display_name(connection, event)

    # --- timers -----------------------------------------------------------------------------------

    @every(lambda _: PURGE_SECONDS)
    def purge_notifications(self) -> None:
        """Removes notifications past their retention."""
        purge_notifications(self.db, self.settings)
