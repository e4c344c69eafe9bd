"""Every text that people write obeys the one rule of `kit/text.py`, in every contract."""

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from kit.contracts import Rpc, rpcs_of
from kit.validation import Party, WrittenText
from services.accounts import contract as accounts
from services.catalog import contract as catalog
from services.messaging import contract as messaging
from services.orders import contract as orders
from services.payments import contract as payments
from services.reviews import contract as reviews

# What programs write, or what is compared with a list or a hash and stored by nobody.
NOT_WRITTEN_BY_PEOPLE = {
    "account_id", "category", "client", "cursor", "current_password", "device_tokens", "email",
    "new_password", "notification_id", "order_id", "password", "payload", "payment_id", "refresh_token",
    "review_id", "service_id", "session_id", "signature", "token",
}  # fmt: skip
LINES = {"accounts": {"display_name"}, "catalog": {"title"}}


def arguments() -> Iterator[tuple[Rpc, str, fields.Field[Any]]]:
    for contract in (accounts, catalog, messaging, orders, payments, reviews):
        for rpc in rpcs_of(contract):
            yield from ((rpc, name, field) for name, field in rpc.arguments().fields.items())


def test_every_text_field_of_a_request_refuses_what_turns_the_direction_of_text() -> None:
    lenient = set()
    for rpc, name, field in arguments():
        if isinstance(field, fields.String) and name not in NOT_WRITTEN_BY_PEOPLE:
            try:
                field.deserialize("abc de\u202efg hij klm nop qrs tuv")
            except ValidationError:
                continue
            lenient.add(f"{rpc.routing_key}: {name}")
    assert lenient == {"catalog.search_services: q"}, "whatever is searched for, there is an answer"


def test_names_and_titles_are_one_line() -> None:
    found: dict[str, set[str]] = {}
    for rpc, name, field in arguments():
        if isinstance(field, WrittenText):
            with_break = "first line\nsecond line of it"
            try:
                field.deserialize(with_break)
            except ValidationError as error:
                assert "line breaks" in str(error)
                found.setdefault(rpc.service, set()).add(name)
    assert found == LINES


@pytest.mark.parametrize(
    "name", ["\u200b", "\u202e", "A\nB", "\u0001", "\u3164", "\u2800", "A\u2028B", "A\x85"]
)
def test_a_name_that_is_none_is_refused_at_its_field(name: str) -> None:
    body = {"email": "ada@example.org", "password": "a long pass phrase", "display_name": name}
    with pytest.raises(ValidationError) as refusal:
        accounts.RegisterAccountBody().load(body)
    assert set(refusal.value.messages_dict) == {"display_name"}


def test_a_title_of_invisible_characters_is_refused_at_its_field() -> None:
    with pytest.raises(ValidationError) as refusal:
        catalog.ChangeServiceBody().load({"title": "\u2060" * 5})
    assert set(refusal.value.messages_dict) == {"title"}


def test_one_text_in_two_normal_forms_is_the_same_request() -> None:
    composed, decomposed = "Café menu", "Cafe\u0301 menu"
    for schema, name in ((catalog.ChangeServiceBody, "title"), (catalog.ServiceQuery, "q")):
        assert schema().load({name: decomposed})[name] == schema().load({name: composed})[name] == composed


@pytest.mark.parametrize("name", ["\u202egro.elpmaxe", "A\nB", "\u200b"])
def test_names_older_than_the_rule_do_not_break_answers_and_events(name: str) -> None:
    party = {"id": "01a20723-c937-7890-84cb-e036c89a067e", "display_name": name}
    answered: Schema = Party()
    assert answered.load(party) == answered.dump(party) == party
