from typing import Any

import pytest

from kit.errors import Invalid
from services.messaging import contract
from tests.messaging.actions import fits
from tests.messaging.sample_events import Fact, person
from tests.messaging.test_deliveries import together
from tests.support.service_harness import Harness

DEFAULTS = {category: {"in_app": True, "email": True} for category in contract.CATEGORIES}


def change(messaging: Harness, who: Any, **changes: Any) -> Fact:
    return fits(contract.Preferences, messaging.call_as(who, contract.CHANGE_PREFERENCES, **changes))


def test_everything_is_on_until_somebody_switches_it_off(messaging: Harness) -> None:
    assert messaging.call_as(person("New"), contract.GET_PREFERENCES) == DEFAULTS


def test_what_is_left_out_stays(messaging: Harness) -> None:
    ada = person("Ada")
    assert change(messaging, ada, messages={"email": False}) == {
        **DEFAULTS,
        "messages": {"in_app": True, "email": False},
    }
    expected = {
        **DEFAULTS,
        "messages": {"in_app": False, "email": False},
        "payments": {"in_app": False, "email": True},
    }
    assert change(messaging, ada, messages={"in_app": False}, payments={"in_app": False}) == expected
    assert change(messaging, ada) == expected
    assert change(messaging, ada, reviews={}) == expected
    assert messaging.call_as(ada, contract.GET_PREFERENCES) == expected
    assert messaging.call_as(person("Bea"), contract.GET_PREFERENCES) == DEFAULTS


def test_what_was_switched_off_can_be_switched_on(messaging: Harness) -> None:
    ada = person("Ada")
    change(messaging, ada, reviews={"in_app": False, "email": False})
    assert change(messaging, ada, reviews={"in_app": True, "email": True}) == DEFAULTS


@pytest.mark.parametrize("wrong", [{"messages": {"in_app": 0}}, {"news": {}}, {"messages": {"push": True}}])
def test_a_bad_choice_changes_nothing(messaging: Harness, wrong: Any) -> None:
    ada = person("Ada")
    with pytest.raises(Invalid):
        change(messaging, ada, reviews={"email": False}, **wrong)
    assert messaging.call_as(ada, contract.GET_PREFERENCES) == DEFAULTS


def test_changes_from_two_devices_at_once_both_stay(messaging: Harness) -> None:
    ada = person("Ada")
    raised = together(
        lambda: change(messaging, ada, messages={"email": False}),
        lambda: change(messaging, ada, reviews={"email": False}),
        lambda: change(messaging, ada, payments={"in_app": False}),
    )
    assert raised == []
    assert messaging.call_as(ada, contract.GET_PREFERENCES) == {
        "order_updates": {"in_app": True, "email": True},
        "messages": {"in_app": True, "email": False},
        "reviews": {"in_app": True, "email": False},
        "payments": {"in_app": False, "email": True},
    }
