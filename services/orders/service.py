"""The orders process: submission, transitions, reads, and the clocks that run by themselves."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_client import ServiceClient
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import NotFound
from kit.tokens import Caller
from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from services.catalog.contract import GET_OFFER
from services.orders import contract
from services.orders import queries as reading
from services.orders.commands import run_timers as clocks
from services.orders.commands.record_step import actor_of, record_step, record_submission
from services.orders.lifecycle import Wish, advance, decide, roles_on
from services.orders.projections import save_display_name, save_payment_status
from services.orders.rendering import render_order, state_of
from services.orders.settings import OrderPeriods
from services.orders.commands.submit_order import lock_standing
from services.orders.submission import check_offer, check_standing
from services.payments.contract import PAYMENT_CHANGED

Json = Any


class OrdersService:
    """Orders alone owns transitions; every change of status goes through `lifecycle`."""

    name = "orders"

    db = Database()
    call = CallContext()
    relay = Relay()
    catalog = ServiceClient("catalog")
    periods = SettingsProvider(OrderPeriods)

    @rpc(contract.SUBMIT_ORDER)
    def submit_order(self, service_id: str, requirements: str, expected_price: Json | None) -> Json:
        """Orders a service; what is ordered comes from the catalog, asked before the transaction."""
        caller = self.call.account
        answer = find_stored_answer(self.db, self.call)
        if answer is not None:
            return answer
        offer = self._offer(service_id)
        return run_idempotently(
            self.db, self.call, lambda c: self._submit(c, caller, offer, expected_price, requirements)
        )

    @rpc(contract.TRANSITION_ORDER)
    def transition_order(self, order_id: str, **wish: Any) -> Json:
        """Takes an order one step on, if the table allows it to this caller now."""
        caller = self.call.account
        return run_idempotently(
            self.db, self.call, lambda c: self._take_step(c, order_id, caller, Wish(**wish))
        )

    @rpc(contract.GET_ORDER)
    def get_order(self, order_id: str) -> Json:
        """One order; strangers find none."""
        caller = self.call.account
        return self.db.read(lambda connection: reading.get_order(connection, order_id, caller))

    @rpc(contract.LIST_ORDERS)
    def list_orders(self, **query: Any) -> Json:
        """The caller's orders as a customer or as a provider."""
        caller = self.call.account
        return self.db.read(lambda connection: reading.list_orders(connection, caller, **query))

    @rpc(contract.LIST_TRANSITIONS)
    def list_transitions(self, order_id: str, limit: int, cursor: str | None) -> Json:
        """The history of an order, oldest first."""
        caller = self.call.account
        return self.db.read(lambda c: reading.list_transitions(c, order_id, caller, limit, cursor))

    @on_event(ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: Json) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: Json) -> None:
        """Stores the display name: orders and their history show people as they are called now."""
        save_display_name(connection, event)

    @on_event(PAYMENT_CHANGED)
    def on_payment_changed(self, connection: Connection, event: Json) -> None:
        """Stores the status of the order's payment."""
        save_payment_status(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def expire_orders(self) -> None:
        """Cancels what nobody answered in time."""
        clocks.run_clock(self.db, clocks.EXPIRY, self.periods)

    @every(lambda settings: settings.timer_seconds)
    def remind_customers(self) -> None:
        """Reminds customers of completed work they have not looked at."""
        clocks.run_clock(self.db, clocks.REMINDERS, self.periods)

    @every(lambda settings: settings.timer_seconds)
    def confirm_orders(self) -> None:
        """Completes orders whose customer let the confirmation period pass."""
        clocks.run_clock(self.db, clocks.CONFIRMATION, self.periods)

    def _offer(self, service_id: str) -> Json | None:
        try:
            return self.catalog(GET_OFFER, service_id=service_id)
        except NotFound:
            return None

    def _submit(
        self, connection: Connection, caller: Caller, offer: Json | None, price: Json | None, wanted: str
    ) -> Json:
        # Checked after the key is claimed: a twin of a submission under way gets its answer.
        accepted = check_offer(offer, caller.id, price)
        check_standing(lock_standing(connection, caller.id, accepted["provider"]["id"]), self.periods)
        return render_order(record_submission(connection, caller, accepted, wanted), caller)

    def _take_step(self, connection: Connection, order_id: str, caller: Caller, wish: Wish) -> Json:
        row = reading.lock_order(connection, order_id, caller)
        order = state_of(row)
        step = decide(order, roles_on(order, caller.id, caller.is_staff), wish)
        after = advance(order, step, datetime.now(UTC), self.periods)
        return render_order(record_step(connection, row, after, step, actor_of(caller)), caller)
