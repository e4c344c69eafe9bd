from typing import Any

import pytest
from marshmallow import ValidationError

from services.messaging import contract
from tests.messaging.sample_events import new_id


@pytest.mark.parametrize("wrong", [1, 0, "true", "yes", None, [], {}])
def test_only_true_and_false_mark_a_notification(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        contract.MarkNotificationBody().load({"read": wrong})
    assert contract.MarkNotificationBody().load({"read": False}) == {"read": False}


@pytest.mark.parametrize(("given", "meant"), [("true", True), ("false", False), (True, True), (None, None)])
def test_the_unread_filter_is_true_or_false(given: Any, meant: bool | None) -> None:
    assert contract.NotificationsQuery().load({"unread": given})["unread"] is meant


@pytest.mark.parametrize("wrong", ["True", "1", "", "no", 1, 0, ["true"]])
def test_the_unread_filter_takes_nothing_else(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        contract.NotificationsQuery().load({"unread": wrong})


@pytest.mark.parametrize("body", ["", "   \n", "x" * 4001, "a\x00b", "\ud800", 5, None, ["hello"]])
def test_a_message_has_1_to_4000_real_characters(body: Any) -> None:
    with pytest.raises(ValidationError):
        contract.MessageBody().load({"body": body})


@pytest.mark.parametrize("body", ["x", "x" * 4000, "<script>alert(1)</script>", "  indented\n", "🙂"])
def test_a_message_is_kept_as_typed(body: str) -> None:
    assert contract.MessageBody().load({"body": body}) == {"body": body}


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": {"in_app": 1}},
        {"messages": {"in_app": "true"}},
        {"messages": {"in_app": None}},
        {"messages": {"sms": True}},
        {"messages": True},
        {"messages": None},
        {"newsletters": {"email": True}},
    ],
)
def test_preferences_take_known_categories_and_channels_with_strict_booleans(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        contract.PreferencesBody().load(wrong)


def test_preferences_may_be_given_in_part() -> None:
    assert contract.PreferencesBody().load({"reviews": {"email": False}}) == {"reviews": {"email": False}}
    assert contract.PreferencesBody().load({}) == {}


def test_a_read_mark_names_a_message() -> None:
    up_to = new_id()
    assert contract.MarkMessagesReadBody().load({"up_to": up_to}) == {"up_to": up_to}
    for wrong in ("last", 7, None, True):
        with pytest.raises(ValidationError):
            contract.MarkMessagesReadBody().load({"up_to": wrong})
