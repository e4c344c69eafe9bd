"""The payments process: what is owed, paid, given back and paid out, and the ledger of it all."""

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
from services.accounts import contract as accounts_contract
from services.orders import contract as orders_contract
from services.payments import contract, queries
from services.payments import pages as listing
from services.payments import receivables as dues
from services.payments.commands.pay import pay
from services.payments.commands.pay_out import request_payout
from services.payments.commands.receivable import get_receivable
from services.payments.commands.refund import refund
from services.payments.commands.release import release_shares
from services.payments.ledger import audit as auditing
from services.payments.ledger import statements as transactions
from services.payments.payment_context import Till, open_till
from services.payments.processors import webhooks as callbacks
from services.payments.processors.reconciliation import heal
from services.payments.projections import keep_name
from services.payments.settings import PaymentSettings

Json = Any


class PaymentsService:
    """Every change of money goes through `ledger`; no processor is asked inside a transaction."""

    name = "payments"

    db = Database()
    call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")
    settings = SettingsProvider(PaymentSettings)

    # --- paying ---------------------------------------------------------------------------------

    @rpc(contract.PAY_ORDER)
    def pay_order(self, order_id: str, method: str) -> Json:
        """Pays an order as its customer; orders is asked before saying that nothing is due."""
        return pay(self._till, self.call, order_id, method, self._order)

    @rpc(contract.LIST_PAYMENTS)
    def list_payments(self, order_id: str, limit: int, cursor: str | None) -> Json:
        """An order's payments, newest first, for its parties and staff."""
        caller = self.call.account
        try:
            period = self.settings.action
            return self.db.read(lambda c: listing.list_payments(c, caller, order_id, period, limit, cursor))
        except queries.OrderUnknown:
            self._order(order_id)  # raises NotFound for strangers
        return {"data": [], "next_cursor": None}

    @rpc(contract.GET_RECEIVABLE)
    def get_receivable(self, order_id: str) -> Json:
        """What a completed order owes, for its parties and staff."""
        return get_receivable(self._till, self.call.account, order_id, self._order)

    @rpc(contract.GET_PAYMENT)
    def get_payment(self, payment_id: str) -> Json:
        """One payment, for the parties of its order and staff."""
        caller, period = self.call.account, self.settings.action
        return self.db.read(lambda connection: queries.find_payment(connection, payment_id, caller, period))

    @rpc(contract.REFUND_PAYMENT)
    def refund_payment(self, payment_id: str, amount: Json | None, reason: str) -> Json:
        """Gives money back, as the provider or staff."""
        return refund(self._till, self.call, payment_id, amount, reason)

    # --- one's money ----------------------------------------------------------------------------

    @rpc(contract.GET_BALANCE)
    def get_balance(self) -> Json:
        """What the caller has earned: available and pending."""
        account_id = self.call.account.id
        return self.db.read(lambda connection: queries.balance_of(connection, account_id))

    @rpc(contract.LIST_TRANSACTIONS)
    def list_transactions(self, limit: int, cursor: str | None) -> Json:
        """The caller's lines of the ledger, newest first."""
        caller = self.call.account
        return self.db.read(lambda c: listing.list_transactions(c, caller, limit, cursor))

    @rpc(contract.REQUEST_PAYOUT)
    def request_payout(self, amount: Json) -> Json:
        """Pays available money out to the caller."""
        return request_payout(self._till, self.call, amount)

    @rpc(contract.LIST_PAYOUTS)
    def list_payouts(self, limit: int, cursor: str | None) -> Json:
        """The caller's payouts, newest first."""
        caller = self.call.account
        return self.db.read(lambda c: listing.list_payouts(c, caller, limit, cursor))

    @rpc(contract.GET_STATEMENT)
    def get_statement(self, month: str) -> Json:
        """The caller's month as a provider."""
        caller = self.call.account
        return self.db.read(lambda connection: transactions.statement_of(connection, caller, month))

    # --- what processors say --------------------------------------------------------------------

    @rpc(contract.TAKE_STRIPE_WEBHOOK)
    def take_stripe_webhook(self, payload: str, signature: str) -> None:
        """What Stripe posts; its signature says that it is Stripe."""
        callbacks.take_stripe_webhook(self._till, payload, signature)

    @rpc(contract.GET_SANDBOX_ACTION)
    def get_sandbox_action(self, token: str) -> Json:
        """The sandbox's page of a second step."""
        return callbacks.sandbox_of(self._till).action(token)

    @rpc(contract.ANSWER_SANDBOX_ACTION)
    def answer_sandbox_action(self, token: str, approve: bool) -> Json:
        """The person says yes or no there."""
        return callbacks.answer_sandbox(self._till, token, approve)

    # --- facts of others ------------------------------------------------------------------------

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: Json) -> None:
        """A completed order is to be paid."""
        dues.fall_due_by_event(connection, event, self.settings)

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: Json) -> None:
        """Learns what a person is called."""
        keep_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: Json) -> None:
        """Learns what a person is called now."""
        keep_name(connection, event)

    # --- what time brings -----------------------------------------------------------------------

    @every(lambda settings: settings.timer_seconds)
    def heal_unfinished(self) -> None:
        """Asks the processor what became of what nobody recorded."""
        heal(self._till)

    @every(lambda settings: settings.timer_seconds)
    def release_shares(self) -> None:
        """Makes shares available whose holding period is over."""
        release_shares(self._till)

    @every(lambda settings: settings.timer_seconds)
    def remind_customers(self) -> None:
        """Reminds customers of orders they have not paid."""
        while self.db.write(lambda connection: dues.remind_due(connection, self.settings)):
            pass

    @every(lambda settings: settings.timer_seconds)
    def call_back_from_sandbox(self) -> None:
        """The sandbox calls back, late and twice, as real processors do."""
        callbacks.call_back(self._till)

    @every(lambda settings: settings.timer_seconds)
    def audit_tonight(self) -> None:
        """Proves the ledger once a night."""
        auditing.audit_tonight(self._till)

    @property
    def _till(self) -> Till:
        return open_till(self.db, self.settings)

    def _order(self, order_id: str) -> Json:
        return self.orders(orders_contract.GET_ORDER, order_id=order_id)
