"""The payments process: receivables, payments, refunds, payouts, and the ledger of all of them."""

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
from services.accounts import contract as accounts_contract
from services.accounts.types import AccountNamed
from services.orders import contract as orders_contract
from services.orders.types import OrderStatusChanged
from services.payments import contract, queries, receivables
from services.payments.commands import pay_out, read_receivable, refund, release, remind
from services.payments.commands.pay import pay
from services.payments.ledger import audit, statements
from services.payments.payment_context import make_payment_context
from services.payments.processors import reconciliation, webhooks
from services.payments.projections import save_display_name
from services.payments.settings import PaymentSettings
from services.payments.types import (
    Balance,
    Payment,
    Payout,
    Receivable,
    Refund,
    SandboxAction,
    Statement,
    Transaction,
)


class PaymentsService:
    """Money moves only by movements of `ledger`; no processor is called inside a transaction."""

    name = "payments"

    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    orders = ServiceClient("orders")
    settings: PaymentSettings = SettingsProvider(PaymentSettings)

    # --- payments of an order -------------------------------------------------------------------

    @rpc(contract.PAY_ORDER)
    def pay_order(self, order_id: str, method: str) -> Payment:
        """Pays an order as its customer."""
        return pay(make_payment_context(self.db, self.settings), self.call, order_id, method, self.orders)

    @rpc(contract.GET_RECEIVABLE)
    def get_receivable(self, order_id: str) -> Receivable:
        """Returns what a completed order owes, for its parties and staff."""
        return read_receivable.get_receivable(
            make_payment_context(self.db, self.settings), self.call.account, order_id, self.orders
        )

    @rpc(contract.LIST_PAYMENTS)
    def list_payments(self, order_id: str, limit: int, cursor: str | None) -> Page[Payment]:
        """Returns an order's payments, newest first, for its parties and staff."""
        caller = self.call.account
        return read_receivable.list_payments(
            make_payment_context(self.db, self.settings), caller, order_id, limit, cursor, self.orders
        )

    @rpc(contract.GET_PAYMENT)
    def get_payment(self, payment_id: str) -> Payment:
        """Returns one payment, for the parties of its order and staff."""
        caller, period = self.call.account, self.settings.action_period
        return self.db.read(lambda connection: queries.payment_by_id(connection, caller, payment_id, period))

    @rpc(contract.REFUND_PAYMENT)
    def refund_payment(self, payment_id: str, amount: Money | None, reason: str) -> Refund:
        """Refunds a payment, as the provider or staff."""
        return refund.refund(
            make_payment_context(self.db, self.settings), self.call, payment_id, amount, reason
        )

    # --- the caller's money ---------------------------------------------------------------------

    @rpc(contract.GET_BALANCE)
    def get_balance(self) -> Balance:
        """Returns what the caller has earned: available, pending, and payable now."""
        caller = self.call.account
        return self.db.read(lambda connection: queries.balance_of(connection, caller))

    @rpc(contract.LIST_TRANSACTIONS)
    def list_transactions(self, limit: int, cursor: str | None) -> Page[Transaction]:
        """Returns the caller's lines of the ledger, newest first."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_transactions(c, caller, limit, cursor))

    @rpc(contract.REQUEST_PAYOUT)
    def request_payout(self, amount: Money) -> Payout:
        """Pays available money out to the caller."""
        return pay_out.pay_out(make_payment_context(self.db, self.settings), self.call, amount)

    @rpc(contract.LIST_PAYOUTS)
    def list_payouts(self, limit: int, cursor: str | None) -> Page[Payout]:
        """Returns the caller's payouts, newest first."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_payouts(c, caller, limit, cursor))

    @rpc(contract.GET_STATEMENT)
    def get_statement(self, month: str) -> Statement:
        """Returns the caller's month as a provider."""
        caller = self.call.account
        return self.db.read(lambda connection: statements.statement_of(connection, caller, month))

    # --- processors -----------------------------------------------------------------------------

    @rpc(contract.TAKE_STRIPE_WEBHOOK)
    def take_stripe_webhook(self, payload: str, signature: str) -> None:
        """Applies what Stripe posts; its signature proves that it is Stripe."""
        webhooks.receive_stripe_webhook(make_payment_context(self.db, self.settings), payload, signature)

    @rpc(contract.GET_SANDBOX_ACTION)
    def get_sandbox_action(self, token: str) -> SandboxAction:
        """Returns what the sandbox's confirmation page shows."""
        return webhooks.sandbox_of(make_payment_context(self.db, self.settings)).action(token)

    @rpc(contract.ANSWER_SANDBOX_ACTION)
    def answer_sandbox_action(self, token: str, approve: bool) -> SandboxAction:
        """Records the customer's answer on that page."""
        return webhooks.answer_sandbox_action(make_payment_context(self.db, self.settings), token, approve)

    # --- events of other services ---------------------------------------------------------------

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: OrderStatusChanged) -> None:
        """Opens the receivable of a completed order."""
        receivables.open_receivable_from_event(connection, event, self.settings)

    @on_event(accounts_contract.ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the display name."""
        save_display_name(connection, event)

    @on_event(accounts_contract.ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: AccountNamed) -> None:
        """Stores the new display name."""
        save_display_name(connection, event)

    # --- timers ---------------------------------------------------------------------------------

    @every(lambda settings: settings.timer_seconds)
    def reconcile_pending(self) -> None:
        """Asks the processor about what it has not decided yet."""
        reconciliation.reconcile_pending(make_payment_context(self.db, self.settings))

    @every(lambda settings: settings.timer_seconds)
    def release_shares(self) -> None:
        """Makes shares available whose holding period is over."""
        release.release_shares(make_payment_context(self.db, self.settings))

    @every(lambda settings: settings.timer_seconds)
    def remind_customers(self) -> None:
        """Reminds customers of unpaid orders."""
        remind.remind_customers(make_payment_context(self.db, self.settings))

    @every(lambda settings: settings.timer_seconds)
    def deliver_sandbox_callbacks(self) -> None:
        """Delivers the sandbox's late call-backs."""
        webhooks.deliver_sandbox_callbacks(make_payment_context(self.db, self.settings))

    @every(lambda settings: settings.timer_seconds)
    def audit_nightly(self) -> None:
        """Audits the ledger once a night."""
        audit.audit_nightly(make_payment_context(self.db, self.settings))
