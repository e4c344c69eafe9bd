"""The orders process: submission, transitions, reads and timers."""

from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import Call, CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database, Db
from kit.paging import Page
from kit.types import Money
from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from services.accounts.types import AccountNamed
from services.catalog.contract import SERVICE_CHANGED
from services.catalog.types import ServiceChanged
from services.orders import contract, queries
from services.orders.commands.run_timers import CONFIRMATION, EXPIRY, REMINDERS, run_timer
from services.orders.commands.submit_order import Submission, submit_order
from services.orders.commands.take_step import transition_order
from services.orders.lifecycle import TransitionRequest
from services.orders.projections import save_display_name, save_payment_status, save_published_offer
from services.orders.settings import OrderPeriods
from services.orders.types import Order, OrderTransition
from services.payments.contract import PAYMENT_CHANGED
from services.payments.types import PaymentChanged


class OrdersService:
    """Owns orders; every change of status goes through `lifecycle`."""

    name = "orders"

    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    catalog = ServiceClient("catalog")
    periods: OrderPeriods = SettingsProvider(OrderPeriods)

    @rpc(contract.SUBMIT_ORDER)
    def submit_order(self, service_id: str, requirements: str, expected_price: Money | None) -> Order:
        """Orders a service."""
        wanted = Submission(service_id, requirements, expected_price)
        return submit_order(self.db, self.call, self.catalog, self.periods, wanted)

    @rpc(contract.TRANSITION_ORDER)
    def transition_order(self, order_id: str, **fields: Any) -> Order:
        """Takes a step of an order, if the table allows it to this caller now."""
        request = TransitionRequest(**fields)
        return transition_order(self.db, self.call, self.periods, order_id, request)

    @rpc(contract.GET_ORDER)
    def get_order(self, order_id: str) -> Order:
        """Returns one order; a stranger gets NotFound."""
        caller = self.call.account
        return self.db.read(lambda connection: queries.get_order(connection, order_id, caller))

    @rpc(contract.LIST_ORDERS)
    def list_orders(self, **query: Any) -> Page[Order]:
        """Lists the caller's orders as a customer or as a provider."""
        caller = self.call.account
        return self.db.read(lambda connection: queries.list_orders(connection, caller, **query))

    @rpc(contract.LIST_TRANSITIONS)
    def list_transitions(self, order_id: str, limit: int, cursor: str | None) -> Page[OrderTransition]:
        """Lists the history of an order, oldest first."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_transitions(c, order_id, caller, limit, cursor))

    @on_event(ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the display name: orders and their history show current names."""
        save_display_name(connection, event)

    @on_event(SERVICE_CHANGED)
    def on_service_changed(self, connection: Connection, event: ServiceChanged) -> None:
        """Stores what a service offers now."""
        save_published_offer(connection, event)

    @on_event(PAYMENT_CHANGED)
    def on_payment_changed(self, connection: Connection, event: PaymentChanged) -> None:
        """Stores the status of the order's payment."""
        save_payment_status(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def expire_orders(self) -> None:
        """Cancels orders that nobody answered in time."""
        run_timer(self.db, EXPIRY, self.periods)

    @every(lambda settings: settings.timer_seconds)
    def remind_customers(self) -> None:
        """Reminds customers of completed work that they have not confirmed."""
        run_timer(self.db, REMINDERS, self.periods)

    @every(lambda settings: settings.timer_seconds)
    def confirm_orders(self) -> None:
        """Completes orders whose confirmation period has ended."""
        run_timer(self.db, CONFIRMATION, self.periods)
