"""What people do with messaging, and checks of what they are answered."""

from typing import Any

from marshmallow import Schema

from kit.contracts import Event
from kit.security.tokens import Caller
from services.accounts import contract as accounts_contract
from services.messaging import contract
from services.orders import contract as orders_contract
from tests.messaging.sample_events import Deal, Fact
from tests.support.service_harness import Harness


def fits(schema: type[Schema], answer: Fact) -> Fact:
    """The answer, after its schema found nothing missing, unknown or of another type."""
    assert schema().load(answer) == answer
    return answer


def post(messaging: Harness, author: Caller, deal: Deal, body: str = "Hello", **options: Any) -> Fact:
    answer = messaging.call_as(author, contract.POST_MESSAGE, order_id=deal.order_id, body=body, **options)
    return fits(contract.Message, answer)


def messages(messaging: Harness, caller: Caller, deal: Deal, **arguments: Any) -> list[Fact]:
    page = messaging.call_as(caller, contract.LIST_MESSAGES, order_id=deal.order_id, **arguments)
    return [fits(contract.Message, message) for message in page["data"]]


def mark_read(messaging: Harness, caller: Caller, deal: Deal, up_to: str) -> None:
    answer = messaging.call_as(caller, contract.MARK_MESSAGES_READ, order_id=deal.order_id, up_to=up_to)
    assert answer is None


def threads(messaging: Harness, caller: Caller, **arguments: Any) -> list[Fact]:
    page = messaging.call_as(caller, contract.LIST_THREADS, **arguments)
    return [fits(contract.Thread, thread) for thread in page["data"]]


def notifications(messaging: Harness, caller: Caller, **arguments: Any) -> list[Fact]:
    page = messaging.call_as(caller, contract.LIST_NOTIFICATIONS, **{"limit": 100, **arguments})
    return [fits(contract.Notification, notification) for notification in page["data"]]


def types_told(messaging: Harness, caller: Caller) -> list[str]:
    """Oldest first."""
    return [notification["type"] for notification in reversed(notifications(messaging, caller))]


def switch_off(messaging: Harness, caller: Caller, *categories: str) -> None:
    changes: dict[str, Any] = {category: {"in_app": False} for category in categories}
    fits(contract.Preferences, messaging.call_as(caller, contract.CHANGE_PREFERENCES, **changes))


def move(messaging: Harness, deal: Deal, transition: str, role: str | None = None, **changes: Any) -> Fact:
    """The order moves on, and messaging hears of it."""
    event = deal.transition(transition, role, **changes)
    return messaging.deliver(orders_contract.ORDER_STATUS_CHANGED, **event)


def rename(messaging: Harness, caller: Caller, name: str, version: int, event: Event | None = None) -> None:
    messaging.deliver(
        event or accounts_contract.ACCOUNT_UPDATED,
        account_id=caller.id,
        display_name=name,
        account_version=version,
    )


def every_page(
    messaging: Harness, caller: Caller, method: Any, limit: int, **arguments: Any
) -> list[list[Fact]]:
    """All pages of a list, from the first to the one without a next."""
    pages: list[list[Fact]] = []
    cursor = None
    while True:
        page = messaging.call_as(caller, method, limit=limit, cursor=cursor, **arguments)
        pages.append(page["data"])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages
