"""The accounts process: accounts, sessions and public profiles."""

from collections.abc import Callable
from typing import Any

from eventlet import tpool
from eventlet.semaphore import Semaphore
from nameko.extensions import DependencyProvider
from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import Call, CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database, Db
from chassis.storage.idempotency import run_idempotently
from chassis.storage.outbox import Relay
from kit.errors import Unavailable
from kit.paging import Page
from services.accounts import contract, projections, queries
from services.accounts.commands.change_account import change_account
from services.accounts.commands.change_password import change_password
from services.accounts.commands.close_sessions import close_all_sessions, close_own_session
from services.accounts.commands.prove_password import RunInThread
from services.accounts.commands.purge_sessions import purge_sessions
from services.accounts.commands.refresh_session import refresh_session
from services.accounts.commands.sign_in import SignIn, sign_in
from services.accounts.commands.sign_up import NewAccount, sign_up
from services.accounts.credentials import memory, passwords
from services.accounts.settings import AccountSettings
from services.accounts.types import Account, ListedSession, Profile, Revocations, SecurityEvent, Session
from services.orders.contract import ORDER_STATUS_CHANGED
from services.orders.types import OrderStatusChanged
from services.reviews.contract import RATING_CHANGED
from services.reviews.types import RatingChanged


class WorkerThreads(DependencyProvider):  # type: ignore[misc]
    """Gives a function that runs slow work in real threads, a few at a time: the green loop goes on."""

    def setup(self) -> None:
        """Makes the stand-in hash now, so that the first unknown address takes no longer than the others."""
        memory.return_freed_memory()
        passwords.placeholder_hash()

    def start(self) -> None:
        """Sets how many threads work at once, now that every provider has read its settings."""
        provider = next(part for part in self.container.dependencies if isinstance(part, SettingsProvider))
        hashers: int = provider.get_dependency(None).password_hashers
        tpool.set_num_threads(hashers)  # more of them would only stand by
        self._slots = Semaphore(hashers)

    def get_dependency(self, worker_ctx: Any) -> RunInThread:
        """`run_in_thread(function, *arguments)`; Unavailable when no thread is free before the deadline."""
        call = worker_ctx.data.get("call")

        def run(work: Callable[..., Any], *arguments: Any) -> Any:
            seconds = None if call is None else max(0.0, call.remaining_seconds())
            if not self._slots.acquire(timeout=seconds):
                raise Unavailable("Too many people are signing in at once; try again.", code="busy")
            try:
                return tpool.execute(work, *arguments)
            finally:
                self._slots.release()

        return run


class AccountsService:
    """People sign up, in and out here, and show a profile."""

    name = "accounts"

    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    settings: AccountSettings = SettingsProvider(AccountSettings)
    run_in_thread: RunInThread = WorkerThreads()

    @rpc(contract.REGISTER_ACCOUNT)
    def register_account(self, email: str, password: str, display_name: str) -> Account:
        """Registers an account."""
        new = NewAccount(email, password, display_name)
        return sign_up(self.db, self.call, self.settings, self.run_in_thread, new)

    @rpc(contract.OPEN_SESSION)
    def open_session(self, email: str, password: str, client: str | None, device_tokens: str) -> Session:
        """Opens a session with e-mail address and password."""
        wanted = SignIn(email, password, client, device_tokens)
        return sign_in(self.db, self.call, self.settings, self.run_in_thread, wanted)

    @rpc(contract.REFRESH_SESSION)
    def refresh_session(self, refresh_token: str, client: str | None) -> Session:
        """Exchanges a refresh token for its successor and a new access token."""
        return refresh_session(self.db, self.call, self.settings, refresh_token, client)

    @rpc(contract.LIST_SESSIONS)
    def list_sessions(self, limit: int, cursor: str | None) -> Page[ListedSession]:
        """Returns a page of the caller's live sessions."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_sessions(c, caller, limit, cursor))

    @rpc(contract.LIST_SECURITY_EVENTS)
    def list_security_events(self, limit: int, cursor: str | None) -> Page[SecurityEvent]:
        """Returns a page of the caller's security events."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_security_events(c, caller, limit, cursor))

    @rpc(contract.CLOSE_SESSION)
    def close_session(self, session_id: str) -> None:
        """Closes one of the caller's sessions."""
        caller, settings = self.call.account, self.settings
        run_idempotently(self.db, self.call, lambda c: close_own_session(c, caller, session_id, settings))

    @rpc(contract.CLOSE_ALL_SESSIONS)
    def close_all_sessions(self) -> None:
        """Closes all of the caller's sessions."""
        caller, settings = self.call.account, self.settings
        run_idempotently(self.db, self.call, lambda c: close_all_sessions(c, caller, settings))

    @rpc(contract.GET_ME)
    def get_me(self) -> Account:
        """Returns the caller's account."""
        caller = self.call.account
        return self.db.read(lambda c: queries.get_me(c, caller))

    @rpc(contract.CHANGE_ME)
    def change_me(self, **fields: str) -> Account:
        """Changes what the caller says about themselves."""
        caller = self.call.account
        return run_idempotently(self.db, self.call, lambda c: change_account(c, caller, fields))

    @rpc(contract.CHANGE_PASSWORD)
    def change_password(self, current_password: str, new_password: str) -> None:
        """Changes the caller's password and closes their other sessions."""
        change_password(self.db, self.call, self.settings, self.run_in_thread, current_password, new_password)

    @rpc(contract.GET_PROFILE)
    def get_profile(self, account_id: str) -> Profile:
        """Returns what everyone may see of an account."""
        return self.db.read(lambda c: queries.get_profile(c, account_id))

    @rpc(contract.LIST_REVOCATIONS)
    def list_revocations(self) -> Revocations:
        """Returns the closed sessions that a starting gateway must refuse."""
        return self.db.read(lambda c: queries.list_revocations(c, self.settings))

    @on_event(ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: OrderStatusChanged) -> None:
        """Counts completed orders for the provider's profile."""
        projections.count_completed_order(connection, event)

    @on_event(RATING_CHANGED)
    def on_rating_changed(self, connection: Connection, event: RatingChanged) -> None:
        """Stores a provider's changed rating."""
        projections.save_rating(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def remove_dead_sessions(self) -> None:
        """Removes closed and expired sessions, and other rows that are no longer needed."""
        self.db.write(lambda c: purge_sessions(c, self.settings))
