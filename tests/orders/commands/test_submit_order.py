"""Submitting: what is ordered is what the catalog published, whatever the client says or repeats."""

from typing import Any

import pytest

from kit.errors import Conflict, Invalid, NotFound, TimedOut, Unauthenticated, Unavailable
from services.orders import contract
from tests.orders.market import Market
from tests.support.service_harness import person


def test_a_new_order_is_pending_and_exactly_as_the_contract_says(market: Market) -> None:
    order = market.submit()
    assert contract.Order().validate(order) == {}
    assert set(order) == set(contract.Order().fields)
    assert (order["status"], order["status_name"], order["status_label"]) == (1, "pending", "Pending")
    assert (order["payment_status"], order["version"], order["disputed"]) == ("not_due", 1, False)
    assert (order["due_at"], order["confirm_by"]) == (None, None)
    assert order["available_transitions"] == ["withdraw"]
    assert market.get(order) == order


def test_the_order_is_numbered_for_people(market: Market) -> None:
    first, second = market.submit()["number"], market.submit()["number"]
    assert first.startswith("MT-1")
    assert int(second[3:]) == int(first[3:]) + 1


def test_what_was_agreed_is_the_catalogs_and_stays(market: Market) -> None:
    order = market.submit()
    market.publish(market.change_offer(title="Another title", price={"amount": 9900, "currency": "USD"}))
    kept = market.get(order)
    assert kept["service"] == {"id": market.offer["service_id"], "title": "A logo for your shop"}
    assert kept["price"] == {"amount": 4500, "currency": "EUR"}
    assert kept["provider"] == {"id": market.provider.id, "display_name": "Pia"}
    assert (kept["revisions_allowed"], market.row(order).delivery_days) == (1, 3)


def test_the_submission_is_told_with_everything_a_consumer_needs(market: Market) -> None:
    order = market.submit()
    (event,) = market.events(order)
    assert contract.OrderStatusChanged().validate({k: v for k, v in event.items() if k != "type"}) == {}
    expected = {
        "transition": "submit",
        "from_status": None,
        "to_status": 1,
        "sequence": 1,
        "order_version": 1,
        "number": order["number"],
        "service": order["service"],
        "price": order["price"],
        "customer": order["customer"],
        "provider": order["provider"],
        "actor": {"id": market.customer.id, "display_name": "Carl", "role": "customer"},
        "requirements": "A blue bird.",
        "disputed": False,
        "completed_at": None,
    }
    assert {name: event[name] for name in expected} == expected


def test_a_submission_reads_once_and_writes_once(market: Market) -> None:
    market.publish(market.offer)
    market.submit()
    assert len(market.harness.statements) == 2


def test_the_expected_price_is_honoured(market: Market) -> None:
    assert market.submit(expected_price={"amount": 4500, "currency": "EUR"})["status"] == 1
    with pytest.raises(Conflict) as refused:
        market.submit(expected_price={"amount": 4400, "currency": "EUR"})
    assert refused.value.code == "price_changed"
    assert refused.value.data == {"current_price": {"amount": 4500, "currency": "EUR"}}


def test_nobody_orders_from_themselves(market: Market) -> None:
    with pytest.raises(Conflict) as refused:
        market.submit(caller=market.provider)
    assert refused.value.code == "own_service"


@pytest.mark.parametrize("status", ["paused", "archived", "draft", None])
def test_only_an_active_service_can_be_ordered(market: Market, status: str | None) -> None:
    offer = market.add_offer(market.provider, status=status)
    if status is None:
        del market.catalog.offers[offer["service_id"]]
    with pytest.raises(Conflict) as refused:
        market.submit(service_id=offer["service_id"])
    assert refused.value.code == "service_unavailable"


@pytest.mark.parametrize("failure", [Unavailable("away"), TimedOut("late")])
def test_without_the_catalog_nothing_is_ordered_and_the_key_may_try_again(
    market: Market, failure: Exception
) -> None:
    market.catalog.failure = failure
    with pytest.raises(type(failure)):
        market.submit(key="again")
    market.catalog.failure = None
    assert market.submit(key="again")["status"] == 1


def test_a_repeat_gets_the_first_answer_even_when_the_catalog_changed_or_is_away(market: Market) -> None:
    order = market.submit(key="once")
    market.publish(market.change_offer(status="archived", price={"amount": 1, "currency": "EUR"}))
    market.catalog.failure = Unavailable("away")
    assert market.submit(key="once") == order
    assert market.harness.replayed
    assert len(market.events(order)) == 1


def test_a_repeat_gets_the_first_answer_although_the_order_went_on(market: Market) -> None:
    order = market.submit(key="early")
    market.take(order, "approve", "provider")
    assert market.submit(key="early") == order


def test_a_key_is_for_one_request(market: Market) -> None:
    market.submit(key="mine", fingerprint="one")
    with pytest.raises(Invalid) as refused:
        market.submit(key="mine", fingerprint="two")
    assert refused.value.code == "idempotency_key_reused"


def test_a_duplicate_that_waited_gets_the_answer_and_not_a_rule(market: Market) -> None:
    order = market.submit(key="duplicate")
    # The duplicate looked for an answer before there was one, then the service was archived.
    market.publish(market.change_offer(status="archived"))
    market.harness.execute("UPDATE idempotency SET scope = :other WHERE key = 'duplicate'", other="elsewhere")
    catalog_asked = market.catalog.asked

    def give_back(*_: Any, **__: Any) -> Any:
        market.harness.execute(
            "UPDATE idempotency SET scope = :mine WHERE key = 'duplicate'", mine=market.customer.id
        )
        return market.offer

    market.harness._remote["catalog"] = give_back
    try:
        assert market.submit(key="duplicate") == order
    finally:
        market.harness._remote["catalog"] = market.catalog
    assert market.catalog.asked == catalog_asked


def test_only_people_who_signed_in_order(market: Market) -> None:
    with pytest.raises(Unauthenticated):
        market.submit(caller=None)


@pytest.mark.parametrize(
    "bad",
    [
        {"requirements": ""},
        {"requirements": "   "},
        {"requirements": "x" * 4001},
        {"requirements": "a\x00b"},
        {"requirements": "\ud800"},
        {"service_id": "nope"},
        {"expected_price": {"amount": 45.0, "currency": "EUR"}},
        {"expected_price": {"amount": True, "currency": "EUR"}},
        {"expected_price": {"amount": 0, "currency": "EUR"}},
        {"expected_price": {"amount": 4500, "currency": "XXL"}},
        {"price": {"amount": 1, "currency": "EUR"}},
    ],
)
def test_bad_values_are_refused_before_anything_happens(market: Market, bad: dict[str, Any]) -> None:
    asked = market.catalog.asked
    with pytest.raises(Invalid):
        market.submit(**bad)
    assert market.catalog.asked == asked


def test_requirements_are_kept_as_they_were_typed_but_for_line_ends(market: Market) -> None:
    typed = "  <b>Ünï</b>\r\n'; DROP TABLE orders; --  𝔘 "
    assert market.get(market.submit(requirements=typed))["requirements"] == typed.replace("\r\n", "\n")


def test_two_people_may_order_from_each_other(market: Market) -> None:
    other = market.add_offer(market.customer)
    theirs = market.submit(caller=market.provider, service_id=other["service_id"])
    assert theirs["customer"]["id"] == market.provider.id
    with pytest.raises(NotFound):
        market.get(theirs, person("Nobody"))
