"""The client of the public API: one method for each route that changes something, and event streams."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, Unpack, cast

import aiohttp

from client import live
from client.arguments import AccountChanges, PreferenceChanges, ReviewChanges, ServiceChanges
from client.connection import Body, HttpConnection
from client.lists import ListReading
from client.paths import path_of
from client.resources import (
    Account,
    LiveEvent,
    Message,
    Money,
    Notification,
    Order,
    Payment,
    Payout,
    Preferences,
    Refund,
    Review,
    SandboxAction,
    Service,
    Session,
)


class MarketplaceClient(ListReading):
    """One person (or nobody, before `sign_in`) at the API under `base_url`.

    Every write carries an idempotency key, one's own (`key`) or a random one, and is repeated under
    it when the answer is lost or the server is busy, for at most `patience_seconds`. All methods
    raise `Problem` when the API refuses and `Unreachable` when it does not answer. `headers` go with
    every request, for example `X-Request-Id`.
    """

    def __init__(
        self,
        base_url: str,
        patience_seconds: float = 15.0,
        http: aiohttp.ClientSession | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(HttpConnection(base_url, patience_seconds, http, headers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self.connection.close()

    @property
    def session(self) -> Session | None:
        """The session, once signed in."""
        return self.connection.session

    async def _write(self, method: str, path: str, body: Body | None, key: str | None, **headers: str) -> Any:
        return await self.connection.send(method, path, body, key=key, headers=headers)

    # account

    async def register_account(
        self, email: str, password: str, display_name: str, key: str | None = None
    ) -> Account:
        """Signs up; the account can sign in at once."""
        body = {"email": email, "password": password, "display_name": display_name}
        return cast(Account, await self._write("POST", "/v1/accounts", body, key))

    async def sign_in(
        self, email: str, password: str, key: str | None = None, device_token: str | None = None
    ) -> Session:
        """Opens a session; further calls are this person's. `device_token` is that of earlier sign-ins
        (several are separated by spaces): with it, wrong passwords of others do not lock this one out."""
        body = {"email": email, "password": password}
        headers = {"Device-Token": device_token} if device_token else {}
        session = cast(Session, await self._write("POST", "/v1/sessions", body, key, **headers))
        self.connection.use(session)
        return session

    async def refresh(self) -> Session:
        """Renews the session now; otherwise it is renewed before its access token expires."""
        if self.session is None:
            raise RuntimeError("Sign in first.")
        await self.connection.renew(self.session["access_token"])
        return self.session

    async def sign_out(self, session_id: str = "current") -> None:
        """Closes a session, by default this one."""
        await self._write("DELETE", path_of("/v1/sessions/{}", session_id), None, None)
        if session_id == "current":
            self.connection.use(None)

    async def sign_out_everywhere(self) -> None:
        """Closes all sessions, this one included."""
        await self._write("DELETE", "/v1/sessions", None, None)
        self.connection.use(None)

    async def change_me(self, key: str | None = None, **changes: Unpack[AccountChanges]) -> Account:
        """Changes the caller's account."""
        return cast(Account, await self._write("PATCH", "/v1/me", changes, key))

    async def change_password(self, current_password: str, new_password: str, key: str | None = None) -> None:
        """Changes the password; other sessions are closed."""
        body = {"current_password": current_password, "new_password": new_password}
        await self._write("PUT", "/v1/me/password", body, key)

    async def change_notification_preferences(self, **changes: Unpack[PreferenceChanges]) -> Preferences:
        """Changes the channels of notifications: `messages={"in_app": False}`."""
        path = "/v1/me/notification_preferences"
        return cast(Preferences, await self._write("PATCH", path, changes, None))

    # services

    async def post_service(
        self,
        title: str,
        description: str,
        category: str,
        price: Money,
        delivery_days: int,
        revisions: int,
        status: Literal["draft", "active"] | None = None,
        key: str | None = None,
    ) -> Service:
        """Offers a service; it is active unless `status` is "draft"."""
        body: dict[str, object] = {
            "title": title,
            "description": description,
            "category": category,
            "price": price,
            "delivery_days": delivery_days,
            "revisions": revisions,
        }
        if status is not None:
            body["status"] = status
        return cast(Service, await self._write("POST", "/v1/services", body, key))

    async def change_service(
        self, service: Service, key: str | None = None, **changes: Unpack[ServiceChanges]
    ) -> Service:
        """Changes a service as it was last read; Problem 412 when it has changed since."""
        path, match = path_of("/v1/services/{}", service["id"]), {"If-Match": _tag(service["version"])}
        return cast(Service, await self._write("PATCH", path, changes, key, **match))

    async def archive_service(self, service: Service, key: str | None = None) -> None:
        """Archives a service; this is final."""
        path, match = path_of("/v1/services/{}", service["id"]), {"If-Match": _tag(service["version"])}
        await self._write("DELETE", path, None, key, **match)

    # orders

    async def submit_order(
        self, service_id: str, requirements: str, expected_price: Money | None = None, key: str | None = None
    ) -> Order:
        """Orders a service; with `expected_price` only if that is still its price."""
        body: dict[str, object] = {"service_id": service_id, "requirements": requirements}
        if expected_price is not None:
            body["expected_price"] = expected_price
        return cast(Order, await self._write("POST", "/v1/orders", body, key))

    async def transition(
        self,
        order_id: str,
        transition: str,
        reason: str | None = None,
        note: str | None = None,
        to_status: int | None = None,
        version: int | None = None,
        key: str | None = None,
    ) -> Order:
        """Takes a step of an order; with `version` only if the order still has that version."""
        given = {"transition": transition, "reason": reason, "note": note, "to_status": to_status}
        body = {name: value for name, value in given.items() if value is not None}
        match = {} if version is None else {"If-Match": _tag(version)}
        return cast(
            Order,
            await self._write("POST", path_of("/v1/orders/{}/transitions", order_id), body, key, **match),
        )

    # messages, notifications

    async def post_message(self, order_id: str, body: str, key: str | None = None) -> Message:
        """Writes to the other party of an order."""
        path = path_of("/v1/orders/{}/messages", order_id)
        return cast(Message, await self._write("POST", path, {"body": body}, key))

    async def mark_messages_read(self, order_id: str, up_to: str) -> None:
        """Marks the messages of a thread read, up to and including one."""
        await self._write("PUT", path_of("/v1/orders/{}/messages/read", order_id), {"up_to": up_to}, None)

    async def mark_notification(self, notification_id: str, read: bool = True) -> Notification:
        """Marks a notification read or unread."""
        path = path_of("/v1/notifications/{}", notification_id)
        return cast(Notification, await self._write("PATCH", path, {"read": read}, None))

    async def mark_all_read(self, order_id: str | None = None) -> None:
        """Marks all notifications read, or those about one order."""
        await self.connection.send("POST", "/v1/notifications/read_all", query={"order_id": order_id})

    def events(self, last_event_id: str = "") -> AsyncIterator[LiveEvent]:
        """Iterates over this person's live events without end."""
        return live.live_events(self.connection, last_event_id)

    # payments

    async def pay_order(self, order_id: str, method: str, key: str | None = None) -> Payment:
        """Pays a completed order; when the answer `requires_action`, go to its `action_url`."""
        path = path_of("/v1/orders/{}/payments", order_id)
        return cast(Payment, await self._write("POST", path, {"method": method}, key))

    async def refund_payment(
        self, payment_id: str, reason: str, amount: Money | None = None, key: str | None = None
    ) -> Refund:
        """Refunds a payment, or an `amount` of it."""
        body: dict[str, object] = {"reason": reason}
        if amount is not None:
            body["amount"] = amount
        return cast(
            Refund, await self._write("POST", path_of("/v1/payments/{}/refunds", payment_id), body, key)
        )

    async def request_payout(self, amount: Money, key: str | None = None) -> Payout:
        """Requests a payout of available money."""
        return cast(Payout, await self._write("POST", "/v1/me/payouts", {"amount": amount}, key))

    async def answer_sandbox_action(self, token: str, approve: bool, key: str | None = None) -> SandboxAction:
        """Says yes or no on a page of the sandbox."""
        path = path_of("/v1/sandbox/actions/{}", token)
        return cast(SandboxAction, await self._write("POST", path, {"approve": approve}, key))

    # reviews

    async def submit_review(
        self, order_id: str, rating: int, text: str | None = None, key: str | None = None
    ) -> Review:
        """Reviews a completed order, 1 to 5 stars."""
        body: dict[str, object] = {"rating": rating}
        if text is not None:
            body["text"] = text
        return cast(Review, await self._write("POST", path_of("/v1/orders/{}/review", order_id), body, key))

    async def change_review(
        self, review_id: str, key: str | None = None, **changes: Unpack[ReviewChanges]
    ) -> Review:
        """Changes one's own review, for a day."""
        return cast(Review, await self._write("PATCH", path_of("/v1/reviews/{}", review_id), changes, key))

    async def reply_to_review(self, review_id: str, text: str, key: str | None = None) -> Review:
        """The provider's one reply."""
        path = path_of("/v1/reviews/{}/reply", review_id)
        return cast(Review, await self._write("POST", path, {"text": text}, key))


def _tag(version: int) -> str:
    """An entity tag of a version; of what follows the dot the API asks only that it be there."""
    return f'"{version}.0"'
