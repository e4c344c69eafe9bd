"""What a person may type, and what is refused before anything is looked at."""

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from services.accounts import contract

SIGN_UP = {"email": "ada@example.org", "password": "ten chars!", "display_name": "Ada"}


def refused(schema: type[Schema], body: dict[str, Any]) -> set[str]:
    """The fields a schema complains about."""
    try:
        schema().load(body)
    except ValidationError as error:
        return set(error.messages_dict)
    return set()


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@example", "a\x00@example.org",
              "ada@example.org\n", "ada@exa\ud800mple.org", "a" * 250 + "@example.org", 5, None]
)  # fmt: skip
def test_what_is_no_email_address_cannot_sign_up(email: Any) -> None:
    assert refused(contract.RegisterAccountBody, SIGN_UP | {"email": email}) == {"email"}


@pytest.mark.parametrize(
    ("length", "fields"), [(9, {"password"}), (10, set()), (128, set()), (129, {"password"})]
)
def test_a_password_has_10_to_128_characters(length: int, fields: set[str]) -> None:
    assert refused(contract.RegisterAccountBody, SIGN_UP | {"password": "é" * length}) == fields


@pytest.mark.parametrize(
    ("length", "fields"), [(0, {"display_name"}), (1, set()), (80, set()), (81, {"display_name"})]
)
def test_a_display_name_has_1_to_80_characters(length: int, fields: set[str]) -> None:
    assert refused(contract.RegisterAccountBody, SIGN_UP | {"display_name": "x" * length}) == fields


@pytest.mark.parametrize("field", ["password", "display_name"])
@pytest.mark.parametrize(
    "value", [" " * 12, "with NUL \x00 in it", "half a pair \udc00", None, 12345678901, ["x"]]
)
def test_blank_and_broken_text_is_refused(field: str, value: Any) -> None:
    assert refused(contract.RegisterAccountBody, SIGN_UP | {field: value}) == {field}


@pytest.mark.parametrize("field", ["email", "password", "display_name"])
def test_sign_up_needs_every_field(field: str) -> None:
    assert refused(contract.RegisterAccountBody, {k: v for k, v in SIGN_UP.items() if k != field}) == {field}


@pytest.mark.parametrize("extra", ["roles", "email_verified", "id", "version", "email_normalised"])
@pytest.mark.parametrize("schema", [contract.RegisterAccountBody, contract.ChangeMeBody])
def test_nobody_gives_themselves_more_than_the_contract_says(schema: type[Schema], extra: str) -> None:
    body = SIGN_UP if schema is contract.RegisterAccountBody else {}
    assert refused(schema, body | {extra: "staff"}) == {extra}


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "de",
        "pt-BR",
        "zh-Hant-TW",
        "es-419",
        "sl-rozaj",
        "de-CH-1996",
        "haw",
        "sl-rozaj-biske-1994-xxxxxxxx-123456",
    ],
)
def test_language_tags_are_accepted(tag: str) -> None:
    assert refused(contract.ChangeMeBody, {"locale": tag}) == set()


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "english",
        "en_GB",
        "en-",
        "-en",
        "en-gb-",
        "EN",
        "en\n",
        "../en",
        1,
        None,
        "en" + "-w0000xx" * 5,
    ],
)
def test_what_is_no_language_tag_is_refused(tag: Any) -> None:
    assert refused(contract.ChangeMeBody, {"locale": tag}) == {"locale"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"])
def test_time_zones_are_those_of_the_iana_database(zone: str) -> None:
    assert refused(contract.ChangeMeBody, {"time_zone": zone}) == set()


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "europe/berlin", "../../etc/passwd", "/etc/localtime", "UTC\x00"]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert refused(contract.ChangeMeBody, {"time_zone": zone}) == {"time_zone"}


@pytest.mark.parametrize(("length", "fields"), [(0, set()), (2000, set()), (2001, {"bio"})])
def test_a_bio_has_up_to_2000_characters(length: int, fields: set[str]) -> None:
    assert refused(contract.ChangeMeBody, {"bio": "b" * length}) == fields


def test_what_changes_something_says_so() -> None:
    changing = {contract.REGISTER_ACCOUNT, contract.OPEN_SESSION, contract.REFRESH_SESSION,
                contract.CLOSE_SESSION, contract.CLOSE_ALL_SESSIONS, contract.CHANGE_ME,
                contract.CHANGE_PASSWORD}  # fmt: skip
    reading = {contract.LIST_SESSIONS, contract.GET_ME, contract.GET_PROFILE, contract.LIST_REVOCATIONS}
    assert all(rpc.mutates for rpc in changing)
    assert not any(rpc.mutates for rpc in reading)
