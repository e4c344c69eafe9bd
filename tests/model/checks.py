"""Compares the answers of the services with the model: refusals, orders, and at the end every list."""

from collections import Counter
from typing import Any

from kit.contracts import Rpc
from kit.errors import NotFound, ServiceError
from kit.security.tokens import Caller
from kit.validation import rfc3339
from services.messaging import contract as messaging
from services.orders import contract as orders
from services.reviews import contract as reviews
from tests.model.lifecycle import Order, Refused
from tests.model.reference import Marketplace
from tests.model.testbed import MarketTestbed

Json = dict[str, Any]
People = dict[str, Caller]
OF_AN_ORDER = (orders.LIST_TRANSITIONS, messaging.LIST_MESSAGES, reviews.GET_REVIEW)


def assert_refused(outcome: Any, expected: Refused) -> None:
    """Asserts the refusal that the model predicts, with its code and data."""
    assert isinstance(outcome, ServiceError), f"expected {expected.kind} {expected.code}, got {outcome!r}"
    assert (outcome.kind, outcome.code) == (expected.kind, expected.code)
    data = dict(outcome.data)
    if "available_transitions" in data:
        data["available_transitions"] = sorted(data["available_transitions"])
    for name, value in expected.data.items():
        assert data[name] == value, (name, data, value)


def assert_seen(testbed: MarketTestbed, order: Order, people: People) -> None:
    """Asserts the order as each person sees it; strangers do not."""
    for caller in people.values():
        roles = order.roles_of(caller.id, caller.is_staff)
        if roles:
            seen, _ = testbed.call(caller, orders.GET_ORDER, order_id=order.id)
            assert_order(seen, order, roles)
        else:
            _assert_not_found(testbed, caller, order, orders.GET_ORDER)


def assert_order(seen: Json, order: Order, roles: list[str]) -> None:
    """An order as somebody in these roles is shown it."""
    expected = {
        "status": order.status,
        "version": order.version,
        "disputed": order.disputed_at is not None,
        "revisions_used": order.revisions_used,
        "payment_status": order.payment_status,
        "due_at": order.due_at and rfc3339(order.due_at),
        "confirm_by": order.confirm_by and rfc3339(order.confirm_by),
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.history[-1].at),
    }
    assert {name: seen[name] for name in expected} == expected
    assert sorted(seen["available_transitions"]) == sorted(order.available(roles))


def _assert_not_found(testbed: MarketTestbed, caller: Caller, order: Order, *contracts: Rpc) -> None:
    for contract in contracts:
        try:
            seen = testbed.call(caller, contract, order_id=order.id)
        except NotFound:
            continue
        raise AssertionError(f"a stranger saw {seen}")


def assert_everybody_sees(testbed: MarketTestbed, model: Marketplace, people: People) -> None:
    """Asserts every list and answer of every person, after every event was delivered."""
    for order in model.orders.values():
        assert_seen(testbed, order, people)
        for caller in people.values():
            if order.roles_of(caller.id, caller.is_staff):
                _assert_order_details(testbed, model, order, caller)
            else:
                _assert_not_found(testbed, caller, order, *OF_AN_ORDER)
    for caller in people.values():
        _assert_inbox(testbed, model, caller)
        _assert_notifications(testbed, model, caller)


def _assert_order_details(testbed: MarketTestbed, model: Marketplace, order: Order, caller: Caller) -> None:
    history = testbed.every_item(caller, orders.LIST_TRANSITIONS, order_id=order.id)
    assert [line["transition"] for line in history] == [line.transition for line in order.history]
    assert [line["created_at"] for line in history] == [rfc3339(line.at) for line in order.history]
    messages = testbed.every_item(caller, messaging.LIST_MESSAGES, order_id=order.id)
    written = [(message["id"], message["read_at"] is not None) for message in reversed(messages)]
    assert written == [(message.id, message.read) for message in model.messages[order.id]]
    review = model.review_of(order)
    if review is not None:
        seen, _ = testbed.call(caller, reviews.GET_REVIEW, order_id=order.id)
        assert (seen["id"], seen["rating"], seen["version"]) == (review.id, review.rating, review.version)
        assert (seen["reply"] and seen["reply"]["text"]) == review.reply


def _assert_inbox(testbed: MarketTestbed, model: Marketplace, caller: Caller) -> None:
    own = {
        id_: thread for id_, thread in model.threads.items() if model.orders[id_].roles_of(caller.id, False)
    }
    inbox = testbed.every_item(caller, messaging.LIST_THREADS)
    newest_first = sorted(own, key=lambda id_: own[id_].moved, reverse=True)
    assert [thread["order_id"] for thread in inbox] == newest_first
    for thread in inbox:
        order = model.orders[thread["order_id"]]
        assert thread["order"]["status"] == order.status
        assert thread["unread_count"] == model.unread(order, caller.id)


def _assert_notifications(testbed: MarketTestbed, model: Marketplace, caller: Caller) -> None:
    data = [n for n in model.notifications if n.recipient_id == caller.id]
    seen = testbed.every_item(caller, messaging.LIST_NOTIFICATIONS, unread=None)
    shown = Counter((n["type"], n["order_id"], n["data"]["event_id"], n["read_at"] is not None) for n in seen)
    assert shown == Counter((n.type, n.order_id, n.cause, n.read) for n in data)
    unread, _ = testbed.call(caller, messaging.COUNT_UNREAD)
    assert unread == {"count": sum(not n.read for n in data)}


def assert_names(testbed: MarketTestbed, model: Marketplace, people: People) -> None:
    """Asserts that every service shows the latest display names."""
    names = {caller.id: caller.display_name for caller in people.values()}
    for order in model.orders.values():
        caller = next(caller for caller in people.values() if caller.id == order.customer_id)
        seen, _ = testbed.call(caller, orders.GET_ORDER, order_id=order.id)
        shown = [seen["customer"], seen["provider"]]
        shown += [m["author"] for m in testbed.every_item(caller, messaging.LIST_MESSAGES, order_id=order.id)]
        if model.review_of(order):
            judged, _ = testbed.call(caller, reviews.GET_REVIEW, order_id=order.id)
            shown += [judged["author"], judged["provider"]]
        assert all(party["display_name"] == names[party["id"]] for party in shown), (shown, names)


def assert_offers(testbed: MarketTestbed) -> None:
    """Asserts that orders stores every offer as catalog has it."""
    query = "SELECT service_version, price_minor, status FROM offers WHERE service_id = CAST(:id AS uuid)"
    for service_id, offer in testbed.offers.items():
        [stored] = testbed.services["orders"].execute(query, id=service_id)
        assert stored == (offer["service_version"], offer["price"]["amount"], offer["status"])


def assert_no_failed_events(testbed: MarketTestbed) -> None:
    """No consumer has failed."""
    for service in testbed.services.values():
        assert service.failed_events() == []
