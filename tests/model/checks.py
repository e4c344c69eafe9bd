"""Whether people are answered what the model says: refusals, orders, and at the end every list."""

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
from tests.model.testbed import World

Json = dict[str, Any]
People = dict[str, Caller]
OF_AN_ORDER = (orders.LIST_TRANSITIONS, messaging.LIST_MESSAGES, reviews.GET_REVIEW)


def assert_refused(outcome: Any, expected: Refused) -> None:
    """The refusal that the model foretold, with its code and what it names."""
    assert isinstance(outcome, ServiceError), f"expected {expected.kind} {expected.code}, got {outcome!r}"
    assert (outcome.kind, outcome.code) == (expected.kind, expected.code)
    told = dict(outcome.data)
    if "available_transitions" in told:
        told["available_transitions"] = sorted(told["available_transitions"])
    for name, value in expected.data.items():
        assert told[name] == value, (name, told, value)


def assert_seen(world: World, order: Order, people: People) -> None:
    """The order as each person sees it, strangers not at all."""
    for caller in people.values():
        roles = order.roles_of(caller.id, caller.is_staff)
        if roles:
            seen, _ = world.call(caller, orders.GET_ORDER, order_id=order.id)
            assert_order(seen, order, roles)
        else:
            _assert_not_found(world, caller, order, orders.GET_ORDER)


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


def _assert_not_found(world: World, caller: Caller, order: Order, *contracts: Rpc) -> None:
    for contract in contracts:
        try:
            seen = world.call(caller, contract, order_id=order.id)
        except NotFound:
            continue
        raise AssertionError(f"a stranger saw {seen}")


def assert_everybody_sees(world: World, model: Marketplace, people: People) -> None:
    """Every list and every answer of every person, after every event has arrived."""
    for order in model.orders.values():
        assert_seen(world, order, people)
        for caller in people.values():
            if order.roles_of(caller.id, caller.is_staff):
                _assert_told(world, model, order, caller)
            else:
                _assert_not_found(world, caller, order, *OF_AN_ORDER)
    for caller in people.values():
        _assert_inbox(world, model, caller)
        _assert_notifications(world, model, caller)


def _assert_told(world: World, model: Marketplace, order: Order, caller: Caller) -> None:
    history = world.every_item(caller, orders.LIST_TRANSITIONS, order_id=order.id)
    assert [line["transition"] for line in history] == [line.transition for line in order.history]
    assert [line["created_at"] for line in history] == [rfc3339(line.at) for line in order.history]
    messages = world.every_item(caller, messaging.LIST_MESSAGES, order_id=order.id)
    written = [(message["id"], message["read_at"] is not None) for message in reversed(messages)]
    assert written == [(message.id, message.read) for message in model.messages[order.id]]
    review = model.review_of(order)
    if review is not None:
        seen, _ = world.call(caller, reviews.GET_REVIEW, order_id=order.id)
        assert (seen["id"], seen["rating"], seen["version"]) == (review.id, review.rating, review.version)
        assert (seen["reply"] and seen["reply"]["text"]) == review.reply


def _assert_inbox(world: World, model: Marketplace, caller: Caller) -> None:
    own = {
        id_: thread for id_, thread in model.threads.items() if model.orders[id_].roles_of(caller.id, False)
    }
    inbox = world.every_item(caller, messaging.LIST_THREADS)
    newest_first = sorted(own, key=lambda id_: own[id_].moved, reverse=True)
    assert [thread["order_id"] for thread in inbox] == newest_first
    for thread in inbox:
        order = model.orders[thread["order_id"]]
        assert thread["order"]["status"] == order.status
        assert thread["unread_count"] == model.unread(order, caller.id)


def _assert_notifications(world: World, model: Marketplace, caller: Caller) -> None:
    told = [n for n in model.notifications if n.recipient_id == caller.id]
    seen = world.every_item(caller, messaging.LIST_NOTIFICATIONS, unread=None)
    shown = Counter((n["type"], n["order_id"], n["data"]["event_id"], n["read_at"] is not None) for n in seen)
    assert shown == Counter((n.type, n.order_id, n.cause, n.read) for n in told)
    unread, _ = world.call(caller, messaging.COUNT_UNREAD)
    assert unread == {"count": sum(not n.read for n in told)}


def assert_names(world: World, model: Marketplace, people: People) -> None:
    """Everybody is called what they call themselves now, in every service."""
    names = {caller.id: caller.display_name for caller in people.values()}
    for order in model.orders.values():
        caller = next(caller for caller in people.values() if caller.id == order.customer_id)
        seen, _ = world.call(caller, orders.GET_ORDER, order_id=order.id)
        shown = [seen["customer"], seen["provider"]]
        shown += [m["author"] for m in world.every_item(caller, messaging.LIST_MESSAGES, order_id=order.id)]
        if model.review_of(order):
            judged, _ = world.call(caller, reviews.GET_REVIEW, order_id=order.id)
            shown += [judged["author"], judged["provider"]]
        assert all(party["display_name"] == names[party["id"]] for party in shown), (shown, names)


def assert_quiet(world: World) -> None:
    """No consumer has failed."""
    for service in world.services.values():
        assert service.failed_events() == []
