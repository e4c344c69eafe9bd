"""The accounts process: who people are, how they sign in, what others see of them."""

import dataclasses
import functools
import secrets
from collections.abc import Callable
from typing import Any

import uuid6
from eventlet import tpool
from eventlet.semaphore import Semaphore
from nameko.extensions import DependencyProvider
from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from chassis.storage.outbox import Relay
from kit.errors import Invalid, Unauthenticated, Unavailable, field_errors
from kit.tokens import Caller
from services.accounts import contract, security_events
from services.accounts import projections as profiles
from services.accounts.commands import close_sessions as sessions
from services.accounts.commands import count_sign_ups as sign_ups
from services.accounts.commands import prove_password as sign_ins
from services.accounts.commands import sign_up as registry
from services.accounts.commands.prove_password import Attempt
from services.accounts.contract import SecurityEventType
from services.accounts.credentials import memory, passwords
from services.accounts.credentials.refresh_tokens import first_token, keyed_digest
from services.accounts.emails import is_special_use
from services.accounts.models import SESSIONS
from services.accounts.rendering import render_account, render_profile, render_session, render_sign_in
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings
from services.orders import contract as orders_contract
from services.reviews import contract as reviews_contract

Json = Any


class WorkerThreads(DependencyProvider):  # type: ignore[misc]
    """Gives a function that runs slow work in real threads, a few at a time: the green loop goes on."""

    def setup(self) -> None:
        """Makes the stand-in hash now, so that the first unknown address takes no longer than the others."""
        memory.give_large_blocks_back()
        passwords.nobody()

    @functools.cache  # noqa: B019  # a provider lives as long as its process
    def _slots(self) -> Semaphore:
        provider = next(part for part in self.container.dependencies if isinstance(part, SettingsProvider))
        hashers: int = provider.get_dependency(None).password_hashers
        tpool.set_num_threads(hashers)  # more of them would only stand by
        return Semaphore(hashers)

    def get_dependency(self, worker_ctx: Any) -> sign_ins.RunInThread:
        """`run_in_thread(function, *arguments)`; Unavailable when no thread is free before the deadline."""
        call = worker_ctx.data.get("call")

        def run(work: Callable[..., Any], *arguments: Any) -> Any:
            seconds = None if call is None else max(0.0, call.remaining_seconds())
            if not self._slots().acquire(timeout=seconds):
                raise Unavailable("Too many people are signing in at once; try again.", code="busy")
            try:
                return tpool.execute(work, *arguments)
            finally:
                self._slots().release()

        return run


class AccountsService:
    """What others may ask of accounts, and what it hears about people as providers."""

    name = "accounts"

    db = Database()
    call = CallContext()
    relay = Relay()
    settings = SettingsProvider(AccountSettings)
    run_in_thread = WorkerThreads()

    @rpc(contract.REGISTER_ACCOUNT)
    def register_account(self, email: str, password: str, display_name: str) -> Json:
        """Signs a person up."""
        self._veil_fingerprint()
        _refuse_common("password", password)
        if self.settings.environment == "production" and is_special_use(email):
            why = "No mail reaches this domain."
            raise Invalid(why, errors=field_errors({"email": [why]}))
        new = registry.NewAccount(email, self.run_in_thread(passwords.hash_password, password), display_name)
        address, settings = self.call.address, self.settings
        return run_idempotently(
            self.db, self.call, lambda c: render_account(sign_ups.sign_up(c, new, address, settings))
        )

    @rpc(contract.OPEN_SESSION)
    def open_session(self, email: str, password: str, client: str | None, device_tokens: str) -> Json:
        """Signs a person in; a repeat under the same key gets the same tokens while they are signed in."""
        key = self._veil_fingerprint()
        attempt = Attempt(email, self._origin(client), device_tokens)
        issued = find_stored_answer(self.db, self.call) or self._open_session(attempt, password, key)
        if self.call.replayed and not self.db.read(lambda c: sessions.is_live(c, issued["session_id"])):
            raise Unauthenticated("This session was signed out. Sign in again.", code="session_revoked")
        token = first_token(self.settings.session_secret, issued["session_id"], password, key)
        return render_sign_in(issued, token, self.settings)

    @rpc(contract.REFRESH_SESSION)
    def refresh_session(self, refresh_token: str, client: str | None) -> Json:
        """Exchanges a refresh token for its successor and a new access token."""
        key, settings = self._veil_fingerprint(), self.settings
        refresh = sessions.Refresh.by(refresh_token, key, self._origin(client), settings)
        issued = run_idempotently(
            self.db, self.call, lambda c: sessions.refresh_session(c, refresh, settings)
        )
        if issued and self.call.replayed:
            # The rules of refreshing, not those of stored answers, say how long a repeat is good.
            issued = self.db.write(lambda c: sessions.refresh_session(c, refresh, settings)) and issued
        if not issued:
            raise Unauthenticated("Sign in again.", code="invalid_refresh_token")
        return render_session(issued, refresh.successor, settings)

    @rpc(contract.LIST_SESSIONS)
    def list_sessions(self, limit: int, cursor: str | None) -> Json:
        """The caller's live sessions."""
        caller = self.call.account
        return self.db.read(lambda c: sessions.page_of_sessions(c, caller, limit, cursor))

    @rpc(contract.LIST_SECURITY_EVENTS)
    def list_security_events(self, limit: int, cursor: str | None) -> Json:
        """What happened to the caller's account."""
        caller = self.call.account
        return self.db.read(lambda c: security_events.page_of_events(c, caller, limit, cursor))

    @rpc(contract.CLOSE_SESSION)
    def close_session(self, session_id: str) -> Json:
        """Signs one of the caller's sessions out."""
        caller, settings = self.call.account, self.settings
        return run_idempotently(
            self.db, self.call, lambda c: sessions.close_own(c, caller, session_id, settings)
        )

    @rpc(contract.CLOSE_ALL_SESSIONS)
    def close_all_sessions(self) -> Json:
        """Signs the caller out everywhere."""
        caller, settings = self.call.account, self.settings
        run_idempotently(self.db, self.call, lambda c: sessions.close_sessions(c, caller.id, settings))

    @rpc(contract.GET_ME)
    def get_me(self) -> Json:
        """The caller's own account."""
        caller = self.call.account
        return self.db.read(lambda c: render_account(registry.find(c, caller.id)))

    @rpc(contract.CHANGE_ME)
    def change_me(self, **wanted: str) -> Json:
        """Changes what the caller says about themselves."""
        caller = self.call.account
        return run_idempotently(
            self.db, self.call, lambda c: render_account(registry.change(c, caller.id, wanted))
        )

    @rpc(contract.CHANGE_PASSWORD)
    def change_password(self, current_password: str, new_password: str) -> Json:
        """Changes the caller's password and signs their other sessions out."""
        self._veil_fingerprint()
        caller = self.call.account
        if find_stored_answer(self.db, self.call) is None:
            _refuse_common("new_password", new_password)
            attempt = self.db.read(lambda c: self._attempt_of(c, caller))
            proof = sign_ins.prove(self.db, self.run_in_thread, attempt, current_password, self.settings)
            if proof is None:
                raise _wrong_password()
            new_hash = self.run_in_thread(passwords.hash_password, new_password)
            self._replace_password(proof, attempt.origin, new_hash)

    @rpc(contract.GET_PROFILE)
    def get_profile(self, account_id: str) -> Json:
        """What everyone may see of a person."""
        return self.db.read(lambda c: render_profile(profiles.find(c, account_id)))

    @rpc(contract.LIST_REVOCATIONS)
    def list_revocations(self) -> Json:
        """The sessions that a starting gateway must not honour."""
        return {"data": self.db.read(lambda c: sessions.live_revocations(c, self.settings))}

    @on_event(orders_contract.ORDER_STATUS_CHANGED)
    def on_order_status_changed(self, connection: Connection, event: dict[str, Any]) -> None:
        """Counts completed orders for the provider's profile."""
        profiles.count_completed_order(connection, event)

    @on_event(reviews_contract.RATING_CHANGED)
    def on_rating_changed(self, connection: Connection, event: dict[str, Any]) -> None:
        """Takes over a provider's rating."""
        profiles.apply_rating(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def remove_dead_sessions(self) -> None:
        """Removes what is no longer of use to anybody."""
        self.db.write(lambda c: sessions.purge(c, self.settings))

    def _veil_fingerprint(self) -> str:
        """Keys the request's fingerprint, a plain digest of a body that holds a password or a token,
        with our secret before it is stored. The call's idempotency key, or a random one without.
        """
        idempotency = self.call.idempotency
        if idempotency is None:
            return secrets.token_urlsafe(32)
        veiled = keyed_digest(self.settings.session_secret, "fingerprint", idempotency.fingerprint)
        self.call.idempotency = dataclasses.replace(idempotency, fingerprint=veiled)
        key: str = idempotency.key
        return key

    def _origin(self, client: str | None) -> Origin:
        return Origin(self.call.address or None, client)

    def _attempt_of(self, connection: Connection, caller: Caller) -> Attempt:
        """Somebody signed in gives their password: failures count against their session."""
        account = registry.find(connection, caller.id)
        browser = security_events.browser_of_session(connection, caller.session_id)
        return Attempt(account.email, self._origin(browser), session_id=caller.session_id)

    def _open_session(self, attempt: Attempt, password: str, key: str) -> Json:
        settings = self.settings
        proof = sign_ins.prove(self.db, self.run_in_thread, attempt, password, settings)
        if proof is None:
            raise _wrong_credentials()
        session_id = str(uuid6.uuid7())
        token = first_token(settings.session_secret, session_id, password, key)
        new = sessions.NewSession(session_id, token, attempt.origin, proof.known_browser)

        def effect(connection: Connection) -> Json:
            proof.lock_out.refuse_if_too_many(connection)
            account = registry.lock_if_unchanged(connection, proof.account)
            if account is None:
                raise _wrong_credentials()
            if proof.better_hash is not None:
                registry.improve_hash(connection, account.id, proof.better_hash)
            proof.lock_out.end(connection)
            return sessions.open_session(connection, account, new, settings)

        return run_idempotently(self.db, self.call, effect)

    def _replace_password(self, proof: sign_ins.Proof, origin: Origin, password_hash: str) -> None:
        caller, settings = self.call.account, self.settings

        def effect(connection: Connection) -> Json:
            proof.lock_out.refuse_if_too_many(connection)
            if registry.lock_if_unchanged(connection, proof.account) is None:
                raise _wrong_password()
            proof.lock_out.end(connection)
            registry.change_password(connection, caller.id, password_hash)
            security_events.record(connection, SecurityEventType.PASSWORD_CHANGED, caller.id, origin)
            others = SESSIONS.c.id != caller.session_id
            return {"closed": sessions.close_sessions(connection, caller.id, settings, others)}

        run_idempotently(self.db, self.call, effect)


def _wrong_credentials() -> Unauthenticated:
    return Unauthenticated("E-mail address or password is wrong.", code="invalid_credentials")


def _wrong_password() -> Invalid:
    return Invalid.field("current_password", "wrong_password", "This is not your password.")


def _refuse_common(field: str, password: str) -> None:
    if passwords.is_common(password):
        raise Invalid.field(field, "common_password", "This password is on every list of common passwords.")
