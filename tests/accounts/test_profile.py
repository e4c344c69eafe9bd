"""The profile shows what events told, whatever way they arrive."""

import itertools
from typing import Any

import uuid6

from kit.validation import rfc3339
from services.accounts import contract
from services.orders.contract import ORDER_STATUS_CHANGED
from services.reviews.contract import RATING_CHANGED
from tests.accounts.people import People
from tests.support.service_harness import timestamp_now


def profile(people: People, account_id: str) -> dict[str, Any]:
    """What everyone sees."""
    found: dict[str, Any] = people.service.call_as(None, contract.GET_PROFILE, account_id=account_id)
    contract.Profile().load(found)
    return found


def order_changed(
    provider_id: str, order_id: str, to_status: int, transition: str, **rest: Any
) -> dict[str, Any]:
    """The fields of `order_status_changed`."""
    customer = {"id": str(uuid6.uuid7()), "display_name": "Customer"}
    return {
        "order_id": order_id,
        "number": "MT-1",
        "order_version": 4,
        "transition": transition,
        "from_status": 3,
        "to_status": to_status,
        "sequence": 4,
        "disputed": False,
        "customer": customer,
        "provider": {"id": provider_id, "display_name": "Provider"},
        "actor": {**customer, "role": "customer"},
        "service": {"id": str(uuid6.uuid7()), "title": "Proof-reading"},
        "price": {"amount": 4500, "currency": "EUR"},
        "reason": None,
        "note": None,
        "completed_at": timestamp_now() if to_status == 4 else None,
    } | rest


def rating(
    subject_id: str, version: int, count: int, total: int, subject: str = "provider"
) -> dict[str, Any]:
    """The fields of `rating_changed`."""
    return {
        "subject": subject,
        "subject_id": subject_id,
        "rating_version": version,
        "count": count,
        "stars_total": total,
        "average": round(total / count, 2) if count else None,
    }


def test_a_profile_is_one_statement(people: People) -> None:
    account = people.sign_up()
    profile(people, account["id"])
    assert len(people.service.statements) == 1


def test_each_completed_order_counts_once_for_its_provider(people: People) -> None:
    ada, bob = people.sign_up()["id"], people.sign_up()["id"]
    orders = [str(uuid6.uuid7()) for _ in range(3)]
    for order, provider in zip(orders, (ada, ada, bob), strict=True):
        event = people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(provider, order, 4, "confirm"))
        people.service.deliver(ORDER_STATUS_CHANGED, event)
    # told again under another id, as a replay by hand would
    people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(ada, orders[0], 4, "confirm"))
    assert profile(people, ada)["completed_orders"] == 2
    assert profile(people, bob)["completed_orders"] == 1


def test_only_status_4_counts_however_it_was_reached(people: People) -> None:
    ada = people.sign_up()["id"]
    for status, transition in [
        (1, "submit"),
        (2, "approve"),
        (3, "complete_work"),
        (7, "cancel"),
        (2, "open_dispute"),
    ]:
        people.service.deliver(
            ORDER_STATUS_CHANGED, **order_changed(ada, str(uuid6.uuid7()), status, transition)
        )
    assert profile(people, ada)["completed_orders"] == 0
    for transition in ("confirm", "auto_confirm", "resolve_dispute"):
        people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(ada, str(uuid6.uuid7()), 4, transition))
    assert profile(people, ada)["completed_orders"] == 3


def test_counting_an_order_is_one_statement_beside_the_inbox(people: People) -> None:
    people.service.deliver(
        ORDER_STATUS_CHANGED, **order_changed(people.sign_up()["id"], str(uuid6.uuid7()), 4, "confirm")
    )
    assert len(people.service.statements) == 2


def test_the_newest_rating_wins_in_whatever_order_ratings_arrive(people: People) -> None:
    ratings = [(1, 1, 5), (2, 2, 7), (3, 3, 12)]
    for arrival in itertools.permutations(ratings):
        ada = people.sign_up()["id"]
        for version, count, total in arrival:
            event = people.service.deliver(RATING_CHANGED, **rating(ada, version, count, total))
            people.service.deliver(RATING_CHANGED, event)
        assert profile(people, ada)["rating"] == {"average": 4.0, "count": 3}


def test_a_rating_that_is_taken_back_leaves_none(people: People) -> None:
    ada = people.sign_up()["id"]
    people.service.deliver(RATING_CHANGED, **rating(ada, 1, 1, 1))
    assert profile(people, ada)["rating"] == {"average": 1.0, "count": 1}
    people.service.deliver(RATING_CHANGED, **rating(ada, 2, 0, 0))
    assert profile(people, ada)["rating"] == {"average": None, "count": 0}


def test_the_rating_of_a_service_is_not_its_providers(people: People) -> None:
    ada = people.sign_up()["id"]
    people.service.deliver(RATING_CHANGED, **rating(ada, 1, 1, 1, subject="service"))
    assert profile(people, ada)["rating"] == {"average": None, "count": 0}


def test_orders_and_ratings_do_not_disturb_each_other(people: People) -> None:
    ada = people.sign_up()["id"]
    people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(ada, str(uuid6.uuid7()), 4, "confirm"))
    people.service.deliver(RATING_CHANGED, **rating(ada, 1, 1, 5))
    people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(ada, str(uuid6.uuid7()), 4, "confirm"))
    shown = profile(people, ada)
    assert (shown["rating"], shown["completed_orders"]) == ({"average": 5.0, "count": 1}, 2)


def test_facts_about_an_account_that_is_not_known_are_kept_and_nothing_fails(people: People) -> None:
    stranger = str(uuid6.uuid7())
    people.service.deliver(ORDER_STATUS_CHANGED, **order_changed(stranger, str(uuid6.uuid7()), 4, "confirm"))
    people.service.deliver(RATING_CHANGED, **rating(stranger, 1, 1, 5))
    assert people.service.failed_events() == []
    assert people.service.execute("SELECT completed_orders, rating_count FROM standings") == [(1, 1)]


def test_a_completion_without_its_time_counts_too(people: People) -> None:
    ada = people.sign_up()["id"]
    people.service.deliver(
        ORDER_STATUS_CHANGED, **order_changed(ada, str(uuid6.uuid7()), 4, "confirm", completed_at=None)
    )
    ((completed_at,),) = people.service.execute("SELECT completed_at FROM completed_orders")
    assert rfc3339(completed_at) <= timestamp_now()
    assert profile(people, ada)["completed_orders"] == 1
