import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from services.accounts.emails import EmailAddress, is_special_use, normalise, stored_forms


def test_addresses_that_differ_in_case_are_the_same() -> None:
    assert normalise("Ada.Lovelace@Example.ORG") == normalise("ada.lovelace@example.org")
    assert normalise("JÜRGEN@example.org") == normalise("ju\u0308rgen@example.org")


def test_space_around_an_address_does_not_count() -> None:
    assert normalise("  ada@example.org ") == "ada@example.org"


def test_different_mailboxes_stay_different() -> None:
    different = {"strasse@example.org", "straße@example.org", "a.da@example.org", "ada+x@example.org"}
    assert {normalise(address) for address in different} == different


@pytest.mark.parametrize(
    "same",
    ["a@bücher.example", "A@BÜCHER.example", "a@bu\u0308cher.example", "a@xn--bcher-kva.example",
     "a@XN--BCHER-KVA.EXAMPLE", "a@bücher。example", "a@ｂücher.example", "a@bücher.example."],
)  # fmt: skip
def test_a_domain_has_one_form_however_it_is_written(same: str) -> None:
    assert normalise(same) == "a@bücher.example"
    assert set(stored_forms(same)) >= {"a@bücher.example", "a@xn--bcher-kva.example"}


def test_the_form_as_typed_is_preferred() -> None:
    assert stored_forms("A@xn--bcher-kva.example")[0] == "a@xn--bcher-kva.example"
    assert stored_forms("Ada@Example.org") == ("ada@example.org",)


@given(st.text(max_size=254) | st.emails())
def test_the_one_form_of_an_address_is_its_own_and_anything_has_one(typed: str) -> None:
    assert normalise(normalise(typed)) == normalise(typed)
    assert normalise(typed) in stored_forms(typed)


@pytest.mark.parametrize(
    "address",
    ["ada@example.org", "ada+tag@sub.example.co", "jürgen@example.org", "a@bücher.example", "a@localhost",
     "o'brien@example.org", "a@xn--bcher-kva.example", "ada@mail.test", "用户@例子.example"],
)  # fmt: skip
def test_addresses_that_mail_can_be_written_to_are_accepted_as_typed(address: str) -> None:
    assert EmailAddress().deserialize(address) == address


@pytest.mark.parametrize(
    "address",
    ["ada@[192.0.2.1]", "ada@[IPv6:2001:db8::1]", "ada@192.0.2.1", '"ada b"@example.org', "ada@example.org.",
     "ada@example..org", "ada..b@example.org", ".ada@example.org", "ada@-example.org", "ada@exa_mple.org",
     "ada@example", "ada@xn--a.example", "ada@💩.example", "Ada <ada@example.org>",
     "ada@example.org,b@example.org", "ada", "ada\u200b@example.org", "\u202eada@example.org", "a@localhost.",
     "ada@exam\u00adple\u2060", "a@b@example.org", "a" * 65 + "@example.org"],
)  # fmt: skip
def test_what_no_mail_can_be_written_to_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        EmailAddress().deserialize(address)


@pytest.mark.parametrize(
    "domain", ["localhost", "x.LOCALHOST", "mail.test", "printer.local", "x.invalid", "a.onion"]
)
def test_domains_of_one_machine_or_network_are_told_apart(domain: str) -> None:
    assert is_special_use(f"ada@{domain}")


@pytest.mark.parametrize("domain", ["demo.example", "example.org", "localhost.org", "test.de", ""])
def test_other_domains_are_ordinary(domain: str) -> None:
    assert not is_special_use(f"ada@{domain}")
