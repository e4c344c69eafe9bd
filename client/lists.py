"""Reading: single resources, pages, and whole lists."""

from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack, cast, overload

from client.arguments import OrderFilters, OwnServiceFilters, Page, ProfileReviewFilters, ServiceFilters
from client.connection import HttpConnection
from client.paths import path_of
from client.resources import (
    Account,
    Balance,
    Category,
    HelpGroup,
    ListedSession,
    Listing,
    Message,
    Notification,
    Order,
    OrderStatus,
    OrderTransition,
    Payment,
    Payout,
    Preferences,
    Profile,
    Receivable,
    Review,
    SandboxAction,
    SecurityEvent,
    Service,
    ServiceRating,
    Statement,
    Thread,
    Transaction,
)

LARGEST_PAGE = 100
STABLE_SORTS = {"/v1/orders": "-created_at"}  # where the usual order may change between two pages
DocumentFormat = Literal["html", "pdf"]
MEDIA_TYPES = {"html": "text/html", "pdf": "application/pdf"}


class ListReading:
    """The reading half of the client. Lists take `limit` (1 to 100) and `cursor`; `all_of` reads
    whole ones."""

    def __init__(self, connection: HttpConnection) -> None:
        self.connection = connection

    async def _read(self, path: str, **query: object) -> Any:
        return await self.connection.send("GET", path, query=query)

    async def _read_document(self, path: str, name: str) -> bytes:
        accept = {"Accept": MEDIA_TYPES[name]}
        return cast(bytes, await self.connection.send("GET", path, headers=accept))

    async def all_of(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """Every item of a list, page after page. Orders are read by `-created_at` unless `sort` is
        given: by `-updated_at`, one that changes meanwhile moves to the front and would be missed."""
        cursor: str | None = None
        if path in STABLE_SORTS:
            query.setdefault("sort", STABLE_SORTS[path])
        while True:
            page = await self._read(path, limit=LARGEST_PAGE, cursor=cursor, **query)
            for item in page["data"]:
                yield item
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                return

    async def me(self) -> Account:
        """One's own account."""
        return cast(Account, await self._read("/v1/me"))

    async def sessions(self, **page: Unpack[Page]) -> Listing[ListedSession]:
        """Where one is signed in."""
        return cast("Listing[ListedSession]", await self._read("/v1/sessions", **page))

    async def security_events(self, **page: Unpack[Page]) -> Listing[SecurityEvent]:
        """What happened to one's account, newest first."""
        return cast("Listing[SecurityEvent]", await self._read("/v1/me/security_events", **page))

    async def profile(self, account_id: str) -> Profile:
        """Anybody's public page."""
        return cast(Profile, await self._read(path_of("/v1/profiles/{}", account_id)))

    async def profile_reviews(
        self, account_id: str, **filters: Unpack[ProfileReviewFilters]
    ) -> Listing[Review]:
        """What customers said of a provider, or of one service."""
        return cast(
            "Listing[Review]", await self._read(path_of("/v1/profiles/{}/reviews", account_id), **filters)
        )

    async def service_rating(self, service_id: str) -> ServiceRating:
        """How many of each star a service was given."""
        return cast(ServiceRating, await self._read(path_of("/v1/services/{}/rating", service_id)))

    async def notification_preferences(self) -> Preferences:
        """What one is told, and where."""
        return cast(Preferences, await self._read("/v1/me/notification_preferences"))

    async def categories(self) -> list[Category]:
        """All categories."""
        return [category async for category in self.all_of("/v1/categories")]

    async def search_services(self, **filters: Unpack[ServiceFilters]) -> Listing[Service]:
        """Active services that fit."""
        return cast("Listing[Service]", await self._read("/v1/services", **filters))

    async def service(self, service_id: str) -> Service:
        """One service."""
        return cast(Service, await self._read(path_of("/v1/services/{}", service_id)))

    async def own_services(self, **filters: Unpack[OwnServiceFilters]) -> Listing[Service]:
        """The caller's services in every status."""
        return cast("Listing[Service]", await self._read("/v1/me/services", **filters))

    async def orders(
        self, role: Literal["customer", "provider"], **filters: Unpack[OrderFilters]
    ) -> Listing[Order]:
        """The caller's orders in one role."""
        return cast("Listing[Order]", await self._read("/v1/orders", role=role, **filters))

    async def order(self, order_id: str) -> Order:
        """One order."""
        return cast(Order, await self._read(path_of("/v1/orders/{}", order_id)))

    async def transitions(self, order_id: str, **page: Unpack[Page]) -> Listing[OrderTransition]:
        """An order's history, oldest first."""
        found = await self._read(path_of("/v1/orders/{}/transitions", order_id), **page)
        return cast("Listing[OrderTransition]", found)

    async def messages(self, order_id: str, **page: Unpack[Page]) -> Listing[Message]:
        """An order's messages, newest first."""
        return cast("Listing[Message]", await self._read(path_of("/v1/orders/{}/messages", order_id), **page))

    async def threads(self, **page: Unpack[Page]) -> Listing[Thread]:
        """The inbox: last message and unread count per order."""
        return cast("Listing[Thread]", await self._read("/v1/threads", **page))

    async def notifications(self, unread: bool | None = None, **page: Unpack[Page]) -> Listing[Notification]:
        """What one was told, newest first; with `unread` only what is unread, or only what is read."""
        asked = {} if unread is None else {"unread": "true" if unread else "false"}
        found = await self._read("/v1/notifications", **asked, **page)
        return cast("Listing[Notification]", found)

    async def unread_count(self) -> int:
        """How many notifications are unread."""
        return int((await self._read("/v1/notifications/unread_count"))["count"])

    async def review(self, order_id: str) -> Review:
        """The review of an order."""
        return cast(Review, await self._read(path_of("/v1/orders/{}/review", order_id)))

    async def payments(self, order_id: str, **page: Unpack[Page]) -> Listing[Payment]:
        """The payments of an order, newest first: failed ones too."""
        return cast("Listing[Payment]", await self._read(path_of("/v1/orders/{}/payments", order_id), **page))

    async def receivable(self, order_id: str) -> Receivable:
        """What a completed order owes, and what one can do about it."""
        return cast(Receivable, await self._read(path_of("/v1/orders/{}/receivable", order_id)))

    async def payment(self, payment_id: str) -> Payment:
        """One payment."""
        return cast(Payment, await self._read(path_of("/v1/payments/{}", payment_id)))

    async def receipt(self, payment_id: str, format: DocumentFormat = "pdf") -> bytes:  # noqa: A002
        """The receipt of a payment that was made, as a file."""
        return await self._read_document(path_of("/v1/payments/{}/receipt", payment_id), format)

    async def balance(self) -> Balance:
        """What one has earned: available and pending."""
        return cast(Balance, await self._read("/v1/me/balance"))

    async def transactions(self, **page: Unpack[Page]) -> Listing[Transaction]:
        """Everything that moved one's money, newest first."""
        return cast("Listing[Transaction]", await self._read("/v1/me/transactions", **page))

    async def payouts(self, **page: Unpack[Page]) -> Listing[Payout]:
        """One's payouts, newest first."""
        return cast("Listing[Payout]", await self._read("/v1/me/payouts", **page))

    @overload
    async def statement(self, month: str) -> Statement: ...

    @overload
    async def statement(self, month: str, format: DocumentFormat) -> bytes: ...

    async def statement(
        self,
        month: str,
        format: DocumentFormat | None = None,  # noqa: A002
    ) -> Statement | bytes:
        """One's month as a provider (`2026-11`), or with `format` a file of it."""
        path = path_of("/v1/me/statements/{}", month)
        if format is not None:
            return await self._read_document(path, format)
        return cast(Statement, await self._read(path, format="json"))

    async def sandbox_action(self, token: str) -> SandboxAction:
        """What a page of the sandbox shows; `token` is the last part of an `action_url`."""
        return cast(SandboxAction, await self._read(path_of("/v1/sandbox/actions/{}", token), format="json"))

    async def order_statuses(self) -> list[OrderStatus]:
        """The numbered statuses and what they mean."""
        return list((await self._read("/v1/order_statuses"))["data"])

    async def help(self) -> list[HelpGroup]:
        """The help articles, by subject."""
        return list((await self._read("/v1/help"))["data"])
