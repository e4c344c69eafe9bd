from typing import Any

import pytest
from argon2 import PasswordHasher

from kit.errors import Invalid, ServiceError, TooMany, Unauthenticated
from services.accounts import contract
from services.accounts.credentials import passwords
from services.accounts.settings import AccountSettings
from tests.accounts.people import PASSWORD, People, outcomes

ADA = "ada@example.org"


def refusal(people: People, email: str, password: str = "not the password") -> ServiceError:
    """What a person is told who could not sign in."""
    with pytest.raises(ServiceError) as refused:
        people.sign_in(email, password)
    return refused.value


def fail(people: People, email: str, times: int) -> None:
    """Wrong passwords, one after the other."""
    for _ in range(times):
        assert refusal(people, email).code == "invalid_credentials"


def test_a_session_is_what_the_contract_says(people: People, settings: AccountSettings) -> None:
    account = people.sign_up(ADA)
    session = people.sign_in(ADA, client="Firefox")
    contract.Session().load(session)
    assert session["account"] == account
    assert (session["token_type"], session["expires_in"]) == ("Bearer", settings.access_token_seconds)
    caller = people.caller(session)
    assert (caller.id, caller.display_name, caller.roles) == (account["id"], "Ada", frozenset({"member"}))
    assert caller.session_id == session["session_id"]


def test_the_address_may_be_typed_in_any_case(people: People) -> None:
    account = people.sign_up("Ada@Example.org")
    assert people.sign_in(" aDA@eXAMPLE.oRG ")["account"]["id"] == account["id"]


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(people: People) -> None:
    people.sign_up(ADA)
    wrong, unknown = refusal(people, ADA), refusal(people, "nobody@example.org")
    assert isinstance(wrong, Unauthenticated)
    assert wrong.code == "invalid_credentials"
    assert (type(wrong), wrong.code, wrong.detail, wrong.data) == (
        type(unknown), unknown.code, unknown.detail, unknown.data,
    )  # fmt: skip


def test_a_wrong_password_and_an_unknown_address_cost_the_same_work(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_up(ADA)
    checked: list[Any] = []
    is_right = passwords.is_right

    def watched(password: str, stored: str | None) -> bool:
        checked.append(stored)
        return is_right(password, stored)

    monkeypatch.setattr(passwords, "is_right", watched)
    refusal(people, ADA)
    for_known = people.service.statements
    refusal(people, "nobody@example.org")
    assert people.service.statements == for_known
    assert len(checked) == 2
    assert checked[0] is not None
    assert checked[1] is None


def test_after_ten_failures_an_account_waits(people: People, settings: AccountSettings) -> None:
    people.sign_up(ADA)
    fail(people, ADA, 10)
    for password in ("not the password", PASSWORD):
        refused = refusal(people, ADA, password)
        assert isinstance(refused, TooMany)
        assert 0 < refused.data["retry_after_seconds"] <= settings.failed_sign_in_seconds
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 0


def test_an_unknown_address_waits_just_the_same(people: People) -> None:
    fail(people, "nobody@example.org", 10)
    refused = refusal(people, "NOBODY@example.org")
    assert isinstance(refused, TooMany)
    assert refused.data["retry_after_seconds"] > 0


def test_signing_up_with_a_blocked_address_does_not_lift_the_block(people: People) -> None:
    fail(people, ADA, 10)
    people.sign_up(ADA)
    assert isinstance(refusal(people, ADA, PASSWORD), TooMany)


def test_others_do_not_wait(people: People) -> None:
    people.sign_up(ADA)
    people.sign_up("bob@example.org")
    fail(people, ADA, 10)
    assert people.sign_in("bob@example.org")["session_id"]


def test_a_sign_in_ends_the_count_of_its_network(people: People) -> None:
    people.sign_up(ADA)
    for _ in range(3):
        fail(people, ADA, 9)
        people.sign_in(ADA)
    fail(people, ADA, 10)
    assert isinstance(refusal(people, ADA, PASSWORD), TooMany)


def minutes_pass(people: People, minutes: int) -> None:
    """The failures of late happened that much earlier."""
    people.service.execute(
        "UPDATE counted_attempts "
        "SET attempted_at = ARRAY(SELECT m - make_interval(mins => :minutes) FROM unnest(attempted_at) m)",
        minutes=minutes,
    )


def test_each_failure_counts_for_a_quarter_of_an_hour(people: People) -> None:
    people.sign_up(ADA)
    fail(people, ADA, 10)
    minutes_pass(people, 14)
    refused = refusal(people, ADA, PASSWORD)
    assert 50 <= refused.data["retry_after_seconds"] <= 60
    minutes_pass(people, 1)
    assert people.sign_in(ADA)["session_id"]
    fail(people, ADA, 10)
    assert isinstance(refusal(people, ADA), TooMany)


def test_a_burst_of_guesses_is_answered_no_more_often_than_one_by_one(people: People) -> None:
    people.sign_up(ADA)
    results = outcomes(lambda _: people.sign_in(ADA, "not the password"), 13)
    assert sorted(set(results)) == ["invalid_credentials", "too_many_sign_ins"]
    assert results.count("invalid_credentials") == 10


def test_a_right_guess_behind_ten_wrong_ones_of_a_burst_is_not_answered(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_up(ADA)
    fail(people, ADA, 9)
    is_right = passwords.is_right

    def overtaken(password: str, stored: str | None) -> bool:
        monkeypatch.setattr(passwords, "is_right", is_right)
        fail(people, ADA, 1)
        return is_right(password, stored)

    monkeypatch.setattr(passwords, "is_right", overtaken)
    assert isinstance(refusal(people, ADA, PASSWORD), TooMany)
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 0


def test_any_number_of_right_sign_ins_may_run_side_by_side(people: People) -> None:
    people.sign_up(ADA)
    results = outcomes(lambda _: people.sign_in(ADA), 8)
    assert len({result["session_id"] for result in results}) == 8


def test_a_hash_under_old_parameters_is_replaced_at_the_next_sign_in(people: People) -> None:
    people.sign_up(ADA)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    people.service.execute("UPDATE accounts SET password_hash = :old", old=old)
    fail(people, ADA, 1)
    assert people.service.execute("SELECT password_hash FROM accounts")[0][0] == old
    people.sign_in(ADA)
    ((new,),) = people.service.execute("SELECT password_hash FROM accounts")
    assert not passwords.is_outdated(new)
    people.sign_in(ADA)
    assert people.service.execute("SELECT password_hash FROM accounts") == [(new,)]


def test_side_by_side_sign_ins_with_an_old_hash_all_succeed(people: People) -> None:
    people.sign_up(ADA)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    people.service.execute("UPDATE accounts SET password_hash = :old", old=old)
    assert len({result["session_id"] for result in outcomes(lambda _: people.sign_in(ADA), 6)}) == 6


def test_a_repeated_sign_in_gets_the_very_same_tokens(people: People) -> None:
    people.sign_up(ADA)
    session = people.sign_in(ADA, key="k1")
    assert people.sign_in(ADA, key="k1") == session
    assert people.service.replayed
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 1


def test_a_repeated_sign_in_gives_no_tokens_once_the_session_was_signed_out(people: People) -> None:
    people.sign_up(ADA)
    session = people.sign_in(ADA, key="k1")
    people.service.call_as(people.caller(session), contract.CLOSE_SESSION, session_id="current")
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            people.sign_in(ADA, key="k1")
        assert refused.value.code == "session_revoked"
    assert people.sign_in(ADA, key="k2")["session_id"] != session["session_id"]


def test_a_repeated_sign_in_gives_no_tokens_of_a_session_that_is_over(people: People) -> None:
    people.sign_up(ADA)
    people.sign_in(ADA, key="k1")
    people.service.execute("UPDATE sessions SET expires_at = now()")
    with pytest.raises(Unauthenticated):
        people.sign_in(ADA, key="k1")
    people.service.execute("DELETE FROM sessions")
    with pytest.raises(Unauthenticated):
        people.sign_in(ADA, key="k1")


def test_a_repeated_sign_in_is_answered_before_any_other_rule(people: People) -> None:
    people.sign_up(ADA)
    session = people.sign_in(ADA, key="k1")
    fail(people, ADA, 10)
    assert people.sign_in(ADA, key="k1") == session


def test_duplicates_with_one_key_open_one_session(people: People) -> None:
    people.sign_up(ADA)
    results = outcomes(lambda _: people.sign_in(ADA, key="k1"), 5)
    assert all(result == results[0] for result in results)
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 1


def test_a_key_used_for_another_sign_in_is_refused(people: People) -> None:
    people.sign_up(ADA)
    people.sign_in(ADA, key="k1", fingerprint="one")
    with pytest.raises(Invalid) as refused:
        people.sign_in(ADA, "not the password", key="k1", fingerprint="two")
    assert refused.value.code == "idempotency_key_reused"


def test_an_account_with_too_many_sessions_loses_the_one_unused_for_longest(people: People) -> None:
    people.service._overrides[AccountSettings] = {"sessions_per_account": 3}
    people.sign_up(ADA)
    first, second, third = (people.sign_in(ADA) for _ in range(3))
    first = people.refresh(first["refresh_token"])
    fourth = people.sign_in(ADA)
    wanted = {session["session_id"] for session in (first, third, fourth)}
    assert set(people.live_sessions(fourth)) == wanted
    assert people.revoked() == [second["session_id"]]


def test_a_password_changed_while_the_old_one_is_checked_lets_nobody_in(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_up(ADA)
    owner = people.caller(people.sign_in(ADA))
    is_right = passwords.is_right

    def slow(password: str, stored: str | None) -> bool:
        monkeypatch.setattr(passwords, "is_right", is_right)
        change = {"current_password": PASSWORD, "new_password": "another good password"}
        people.service.call_as(owner, contract.CHANGE_PASSWORD, **change)
        return is_right(password, stored)

    monkeypatch.setattr(passwords, "is_right", slow)
    assert refusal(people, ADA, PASSWORD).code == "invalid_credentials"
