from typing import Any

import pytest

from kit.errors import Conflict, Invalid, NotFound, ServiceError, TooMany
from services.accounts import contract
from services.accounts.models import METADATA
from services.accounts.settings import AccountSettings
from tests.accounts.people import PASSWORD, People, outcomes
from tests.support.service_harness import Harness


def everything_stored(service: Harness) -> str:
    """Every row of every table, as text."""
    return "\n".join(
        str(row) for table in METADATA.tables for row in service.execute(f"SELECT t::text FROM {table} t")
    )


def test_a_new_account_is_what_the_contract_says(people: People) -> None:
    account = people.sign_up("Ada.Lovelace@Example.org", "Ada")
    contract.Account().load(account)
    assert account | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "email": "Ada.Lovelace@Example.org",
        "email_verified": False,
        "display_name": "Ada",
        "bio": "",
        "roles": ["member"],
        "time_zone": "UTC",
        "locale": "en",
        "created_at": 0,
        "updated_at": 0,
        "version": 1,
    }


def test_others_are_told_of_a_new_account_once(people: People) -> None:
    account = people.sign_up(name="Ada")
    (event,) = people.service.events()
    assert event["type"] == "account_registered"
    assert (event["account_id"], event["display_name"], event["account_version"]) == (account["id"], "Ada", 1)
    contract.AccountNamed().load({k: v for k, v in event.items() if k != "type"})


@pytest.mark.parametrize("again", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@example.Org"])
def test_an_address_has_one_account_in_whatever_case(people: People, again: str) -> None:
    people.sign_up("Ada@example.org")
    with pytest.raises(Conflict) as refusal:
        people.sign_up(again)
    assert refusal.value.code == "email_taken"
    assert len(people.service.events()) == 1


def test_of_many_who_race_for_an_address_exactly_one_gets_it(people: People) -> None:
    cases = ["ada@example.org", "ADA@example.org", "Ada@Example.org", "ada@EXAMPLE.ORG"]
    results = outcomes(lambda n: people.sign_up(cases[n % 4], f"Ada {n}"), 8)
    winners = [result for result in results if result != "email_taken"]
    assert len(winners) == 1
    assert winners[0]["display_name"] == people.service.events()[0]["display_name"]
    assert people.service.execute("SELECT count(*) FROM accounts")[0][0] == 1
    assert len(people.service.events()) == 1


@pytest.mark.parametrize("password", ["1234567890", "QWERTYUIOP"])
def test_a_common_password_is_refused_and_nothing_happens(people: People, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        people.sign_up(password=password)
    assert refusal.value.code == "common_password"
    assert refusal.value.data["errors"][0]["field"] == "password"
    assert people.service.execute("SELECT count(*) FROM accounts")[0][0] == 0


def test_a_repeated_sign_up_gets_the_same_answer_and_one_account(people: People) -> None:
    first = people.sign_up("ada@example.org", key="k1")
    assert people.sign_up("ada@example.org", key="k1") == first
    assert people.service.replayed
    assert len(people.service.events()) == 1


def test_duplicates_with_one_key_make_one_account(people: People) -> None:
    results = outcomes(lambda _: people.sign_up("ada@example.org", key="k1"), 6)
    assert all(result == results[0] for result in results)
    assert len(people.service.events()) == 1


def test_a_key_used_for_another_sign_up_is_refused(people: People) -> None:
    people.sign_up("ada@example.org", key="k1", fingerprint="one")
    with pytest.raises(Invalid) as refusal:
        people.sign_up("bob@example.org", key="k1", fingerprint="two")
    assert refusal.value.code == "idempotency_key_reused"


def test_a_key_is_free_again_after_a_refusal(people: People) -> None:
    people.sign_up("ada@example.org")
    with pytest.raises(Conflict):
        people.sign_up("ada@example.org", key="k1")
    assert people.sign_up("bob@example.org", key="k1")["email"] == "bob@example.org"


def test_no_password_token_or_plain_fingerprint_is_ever_stored(people: People) -> None:
    secrets: list[str] = [PASSWORD, "another good password", "a fingerprint of the body"]
    account = people.sign_up("ada@example.org", key="k1", fingerprint=secrets[2])
    session: dict[str, Any] = people.sign_in(account["email"], key="k2", fingerprint=secrets[2])
    later = people.refresh(session["refresh_token"], key="k3")
    people.service.call_as(
        people.caller(later),
        contract.CHANGE_PASSWORD,
        key="k4",
        fingerprint=secrets[2],
        current_password=PASSWORD,
        new_password=secrets[1],
    )
    for issued in (session, later):
        secrets += [issued["access_token"], issued["refresh_token"]]
    stored = everything_stored(people.service)
    assert account["id"] in stored
    assert [secret for secret in secrets if secret in stored] == []


def test_a_profile_shows_who_is_there_and_nobody_else(people: People) -> None:
    account = people.sign_up(name="Ada")
    profile = people.service.call_as(None, contract.GET_PROFILE, account_id=account["id"])
    contract.Profile().load(profile)
    assert profile == {
        "id": account["id"],
        "display_name": "Ada",
        "bio": "",
        "member_since": account["created_at"],
        "rating": {"average": None, "count": 0},
        "completed_orders": 0,
    }
    for unknown in ("0192f0e0-0000-7000-8000-000000000000", "not an id", ""):
        with pytest.raises(NotFound):
            people.service.call_as(None, contract.GET_PROFILE, account_id=unknown)


def refusal_of_a_sign_up(people: People, address: str) -> ServiceError | None:
    """What a person at an address is told; None when they have an account now."""
    try:
        people.sign_up(address=address)
    except ServiceError as refused:
        return refused
    return None


def test_one_network_makes_so_many_accounts_a_day_and_the_refusal_names_the_quota(people: People) -> None:
    people.service._overrides[AccountSettings] = {"sign_ups_per_day": 3}
    for address in ("203.0.113.1", "::ffff:203.0.113.1", "203.0.113.1"):
        assert refusal_of_a_sign_up(people, address) is None
    refused = refusal_of_a_sign_up(people, "203.0.113.1")
    assert isinstance(refused, TooMany)
    assert (refused.code, refused.data["quota"]) == ("quota_exceeded", "sign_ups_per_day")
    assert 86_000 < refused.data["retry_after_seconds"] <= 86_400
    assert len(people.service.execute("SELECT 1 FROM accounts")) == 3
    assert refusal_of_a_sign_up(people, "203.0.113.2") is None


def test_a_sign_up_that_is_refused_or_repeated_does_not_count(people: People) -> None:
    people.service._overrides[AccountSettings] = {"sign_ups_per_day": 2}
    made = people.sign_up("ada@example.org", address="203.0.113.1", key="k1")
    for _ in range(3):
        assert people.sign_up("ada@example.org", address="203.0.113.1", key="k1") == made
        with pytest.raises(Conflict):
            people.sign_up("ada@example.org", address="203.0.113.1")
    assert refusal_of_a_sign_up(people, "203.0.113.1") is None
    assert refusal_of_a_sign_up(people, "203.0.113.1") is not None


def test_of_many_sign_ups_at_once_exactly_the_quota_is_made(people: People) -> None:
    people.service._overrides[AccountSettings] = {"sign_ups_per_day": 5}
    results = outcomes(lambda _: people.sign_up(address="203.0.113.1"), 12)
    assert results.count("quota_exceeded") == 7
    assert len(people.service.execute("SELECT 1 FROM accounts")) == 5


def test_local_networks_and_a_quota_of_zero_are_not_limited(people: People) -> None:
    people.service._overrides[AccountSettings] = {"sign_ups_per_day": 1}
    for address in ("127.0.0.1", "::1", "172.18.0.1", ""):
        assert [refusal_of_a_sign_up(people, address) for _ in range(2)] == [None] * 2
    people.service._overrides[AccountSettings] = {"sign_ups_per_day": 0}
    assert [refusal_of_a_sign_up(people, "203.0.113.9") for _ in range(3)] == [None] * 3
