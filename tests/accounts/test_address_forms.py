"""One address is one account, however its domain is written; what is older than that goes on working."""

import base64
import secrets

import pytest

from kit.errors import Conflict, Invalid, Unauthenticated
from services.accounts.commands.grant_staff import grant_staff
from services.accounts.settings import AccountSettings
from tests.accounts.people import People, outcomes

UNICODE, ASCII = "a@bücher.example", "a@xn--bcher-kva.example"
FORMS = (UNICODE, ASCII, "A@BÜCHER.EXAMPLE", "a@bu\u0308cher.example", "a@bücher。example")


def signed_up_before(people: People, email: str, name: str) -> str:
    """The id of an account stored in the form that older releases stored."""
    account = people.sign_up(name=name)
    people.service.execute(
        f"UPDATE accounts SET email = '{email}', email_normalised = '{email}' WHERE id = '{account['id']}'"
    )
    return str(account["id"])


@pytest.mark.parametrize("first", FORMS)
def test_an_address_has_one_account_and_signs_in_in_every_form(people: People, first: str) -> None:
    account = people.sign_up(first)
    for again in FORMS:
        with pytest.raises(Conflict) as refusal:
            people.sign_up(again)
        assert refusal.value.code == "email_taken"
        assert people.sign_in(again)["account"]["id"] == account["id"]
    assert people.service.execute("SELECT email_normalised FROM accounts") == [(UNICODE,)]


def test_of_all_forms_that_race_exactly_one_gets_the_account(people: People) -> None:
    results = outcomes(lambda n: people.sign_up(FORMS[n % len(FORMS)]), 2 * len(FORMS))
    assert sum(result != "email_taken" for result in results) == 1


def test_the_address_is_shown_as_its_owner_wrote_it(people: People) -> None:
    assert people.sign_up("A@xn--bcher-kva.example")["email"] == "A@xn--bcher-kva.example"


def test_an_account_in_an_older_form_is_found_and_keeps_its_address(people: People) -> None:
    account_id = signed_up_before(people, ASCII, "Ada")
    for form in FORMS:
        assert people.sign_in(form)["account"]["id"] == account_id
        with pytest.raises(Conflict):
            people.sign_up(form)


def test_two_accounts_of_one_address_are_each_found_by_their_own_form(people: People) -> None:
    accounts = {form: signed_up_before(people, form, form) for form in (UNICODE, ASCII)}
    for form, account_id in accounts.items():
        assert people.sign_in(form)["account"]["id"] == account_id
        assert grant_staff(people.service.db, form, "olga") == account_id
    assert people.sign_in("a@ｂücher.example")["account"]["id"] == accounts[UNICODE]


def test_wrong_passwords_count_together_in_whatever_form(people: People) -> None:
    people.service._overrides[AccountSettings] = {"failed_sign_ins": 2}
    people.sign_up(UNICODE)
    assert outcomes(lambda n: people.sign_in(FORMS[n], "wrong wrong wrong"), 2) == ["invalid_credentials"] * 2
    assert outcomes(lambda _: people.sign_in(ASCII), 1) == ["too_many_sign_ins"]


@pytest.mark.parametrize(
    "anything", ["", "@", "a@", "@b", "a@xn--", "a@" + "ü" * 200, "a@..", "a@\u2488com", "\U0010ffff@x"]
)
def test_what_is_no_address_signs_nobody_in(people: People, anything: str) -> None:
    with pytest.raises((Unauthenticated, Invalid)):
        people.sign_in(anything)


@pytest.mark.parametrize("email", ["a@localhost", "a@mail.test", "a@printer.local"])
def test_domains_of_one_network_are_for_development(people: People, email: str) -> None:
    assert people.sign_up(email)["email"] == email
    people.service._overrides[AccountSettings] = {
        "environment": "production",
        "token_signing_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "session_secret": secrets.token_urlsafe(48),
    }
    with pytest.raises(Invalid) as refusal:
        people.sign_up(f"another.{email}")
    assert [error["field"] for error in refusal.value.data["errors"]] == ["email"]
    assert people.sign_up("a@demo.example")["email"] == "a@demo.example"
