import pytest

from kit.contracts import rpcs_of
from kit.errors import NotFound, Unauthenticated
from services.accounts import contract
from services.accounts.commands.grant_staff import grant_staff, revoke_staff
from services.accounts.settings import AccountSettings
from tests.accounts.people import People


def grants(people: People) -> list[tuple[str, bool, str]]:
    """Who was made staff, or no longer, by whom."""
    rows = people.service.execute("SELECT account_id::text, granted, operator FROM staff_grants ORDER BY id")
    return [tuple(row) for row in rows]


def test_an_account_becomes_staff_with_its_next_token(people: People) -> None:
    session = people.newcomer()
    account = session["account"]
    assert grant_staff(people.service.db, account["email"].upper(), "root on console") == account["id"]
    assert not people.caller(session).is_staff
    following = people.refresh(session["refresh_token"])
    assert people.caller(following).is_staff
    assert following["account"]["roles"] == ["member", "staff"]
    assert following["account"]["version"] == 2
    assert people.sign_in(account["email"])["account"]["roles"] == ["member", "staff"]


def test_who_made_whom_staff_is_kept(people: People, settings: AccountSettings) -> None:
    account = people.sign_up()
    grant_staff(people.service.db, account["email"], "olga")
    grant_staff(people.service.db, account["email"], "otto")
    revoke_staff(people.service.db, account["email"], "otto", settings)
    revoke_staff(people.service.db, account["email"], "olga", settings)
    assert grants(people) == [(account["id"], True, "olga"), (account["id"], False, "otto")]


def test_whose_role_is_taken_is_signed_out_for_their_tokens_still_say_staff(
    people: People, settings: AccountSettings
) -> None:
    account = people.sign_up()
    grant_staff(people.service.db, account["email"], "olga")
    session = people.sign_in(account["email"])
    assert people.caller(session).is_staff
    revoke_staff(people.service.db, account["email"], "olga", settings)
    assert people.revoked() == [session["session_id"]]
    with pytest.raises(Unauthenticated):
        people.refresh(session["refresh_token"])
    assert people.sign_in(account["email"])["account"]["roles"] == ["member"]


def test_taking_a_role_that_is_not_there_signs_nobody_out(people: People, settings: AccountSettings) -> None:
    session = people.newcomer()
    revoke_staff(people.service.db, session["account"]["email"], "olga", settings)
    assert people.revoked() == []
    assert grants(people) == []


def test_nobody_is_made_staff_by_an_unknown_address(people: People, settings: AccountSettings) -> None:
    with pytest.raises(NotFound):
        grant_staff(people.service.db, "nobody@example.org", "olga")
    with pytest.raises(NotFound):
        revoke_staff(people.service.db, "nobody@example.org", "olga", settings)


def test_no_call_makes_anybody_staff(people: People) -> None:
    session = people.newcomer()
    arguments = [name for rpc in rpcs_of(contract) for name in rpc.arguments().fields]
    assert [name for name in arguments if "role" in name or "staff" in name] == []
    people.service.call_as(people.caller(session), contract.CHANGE_ME, bio="staff")
    assert not people.caller(people.refresh(session["refresh_token"])).is_staff
