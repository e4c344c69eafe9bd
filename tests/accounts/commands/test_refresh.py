from typing import Any

import pytest

from chassis.runtime.context import IdempotencyKey
from kit.errors import Unauthenticated
from services.accounts import contract
from services.accounts.settings import AccountSettings
from tests.accounts.people import People, outcomes

REFUSED = "invalid_refresh_token"


def refused(people: People, token: str, key: str | None = None) -> bool:
    """Whether a refresh token is not taken."""
    try:
        people.refresh(token, key)
    except Unauthenticated as refusal:
        return refusal.code == REFUSED
    return False


def test_a_refresh_gives_a_new_pair_of_the_same_session(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"])
    contract.Session().load(following)
    assert following["session_id"] == session["session_id"]
    assert following["account"] == session["account"]
    assert following["refresh_token"] != session["refresh_token"]
    assert people.caller(following).session_id == session["session_id"]
    assert people.refresh(following["refresh_token"])["session_id"] == session["session_id"]


def test_a_changed_name_and_role_show_in_the_next_token(people: People) -> None:
    session = people.newcomer("Ada")
    people.service.call_as(people.caller(session), contract.CHANGE_ME, display_name="Countess")
    people.service.execute("UPDATE accounts SET roles = '{staff,member}'")
    following = people.refresh(session["refresh_token"])
    assert people.caller(session).display_name == "Ada"
    assert people.caller(following).display_name == "Countess"
    assert people.caller(following).is_staff
    assert following["account"]["roles"] == ["member", "staff"]


def test_a_token_used_twice_signs_the_whole_session_out(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"])
    assert refused(people, session["refresh_token"])
    assert people.revoked() == [session["session_id"]]
    assert refused(people, following["refresh_token"])
    assert people.service.execute("SELECT 1 FROM sessions WHERE revoked_at IS NULL") == []


def test_gateways_are_told_once_however_often_it_is_used_again(people: People) -> None:
    session = people.newcomer()
    people.refresh(session["refresh_token"])
    for _ in range(3):
        assert refused(people, session["refresh_token"])
    assert people.revoked() == [session["session_id"]]


def test_an_old_token_of_the_family_is_recognised_too(people: People) -> None:
    session = people.newcomer()
    current = session
    for _ in range(4):
        current = people.refresh(current["refresh_token"])
    assert refused(people, session["refresh_token"])
    assert refused(people, current["refresh_token"])


def test_other_sessions_of_the_account_live_on(people: People) -> None:
    session = people.newcomer()
    other = people.sign_in(session["account"]["email"])
    people.refresh(session["refresh_token"])
    assert refused(people, session["refresh_token"])
    assert people.refresh(other["refresh_token"])["session_id"] == other["session_id"]


@pytest.mark.parametrize("token", ["x", "A" * 43, "ümlaut", "0192f0e0-0000-7000-8000-000000000000"])
def test_a_made_up_token_is_refused_and_harms_nobody(people: People, token: str) -> None:
    session = people.newcomer()
    assert refused(people, token)
    assert people.revoked() == []
    assert people.refresh(session["refresh_token"])["session_id"] == session["session_id"]


def test_the_same_key_gets_the_very_same_pair_again(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"], key="k1")
    assert people.refresh(session["refresh_token"], key="k1") == following
    assert people.service.replayed
    assert people.revoked() == []
    assert people.refresh(following["refresh_token"])["session_id"] == session["session_id"]


def test_the_same_key_after_the_time_for_repeats_is_a_reuse(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"], key="k1")
    people.service.execute("UPDATE refresh_tokens SET used_at = used_at - interval '61 seconds'")
    assert refused(people, session["refresh_token"], key="k1")
    assert people.revoked() == [session["session_id"]]
    assert refused(people, following["refresh_token"])


def test_a_repeat_within_59_seconds_is_still_one(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"], key="k1")
    people.service.execute("UPDATE refresh_tokens SET used_at = used_at - interval '59 seconds'")
    assert people.refresh(session["refresh_token"], key="k1") == following


def test_a_repeat_from_another_address_gets_the_same_pair(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"], key="k1")
    make = people.service.instance

    def elsewhere(call: Any) -> Any:
        call.idempotency = IdempotencyKey("address:elsewhere", "k1", "same")
        return make(call)

    people.service.instance = elsewhere  # type: ignore[method-assign]
    try:
        assert people.refresh(session["refresh_token"], key="k1") == following
    finally:
        people.service.instance = make  # type: ignore[method-assign]
    assert people.revoked() == []


def test_a_key_repeated_after_sign_out_gets_nothing(people: People) -> None:
    session = people.newcomer()
    following = people.refresh(session["refresh_token"], key="k1")
    people.service.call_as(people.caller(following), contract.CLOSE_SESSION, session_id="current")
    assert refused(people, session["refresh_token"], key="k1")


def test_of_many_refreshes_with_one_token_exactly_one_wins(people: People) -> None:
    session = people.newcomer()
    results = outcomes(lambda _: people.refresh(session["refresh_token"]), 8)
    assert results.count(REFUSED) == 7
    assert people.revoked() == [session["session_id"]]


def test_many_refreshes_with_one_token_and_one_key_all_get_the_same_pair(people: People) -> None:
    session = people.newcomer()
    results = outcomes(lambda _: people.refresh(session["refresh_token"], key="k1"), 8)
    assert all(result == results[0] for result in results)
    assert people.revoked() == []
    assert len(people.service.execute("SELECT 1 FROM refresh_tokens")) == 2


def test_refreshing_races_with_signing_out_and_the_session_ends_closed(people: People) -> None:
    for _ in range(5):
        session = people.newcomer()
        caller = people.caller(session)

        def act(number: int, session: dict[str, Any] = session, caller: Any = caller) -> Any:
            if number == 0:
                return people.refresh(session["refresh_token"])
            return people.service.call_as(caller, contract.CLOSE_SESSION, session_id="current")

        refreshed, _closed = outcomes(act, 2)
        assert session["session_id"] in people.revoked()
        if refreshed != REFUSED:
            assert refused(people, refreshed["refresh_token"])


def test_a_token_waits_30_days_for_its_use(people: People, settings: AccountSettings) -> None:
    session = people.newcomer()
    ((days,),) = people.service.execute("SELECT extract(day FROM expires_at - now()) FROM refresh_tokens")
    assert days == settings.refresh_token_days - 1
    people.service.execute("UPDATE refresh_tokens SET expires_at = now()")
    assert refused(people, session["refresh_token"])
    assert people.revoked() == []


def test_a_session_does_not_outlive_its_longest_age(people: People, settings: AccountSettings) -> None:
    session = people.newcomer()
    people.service.execute(
        "UPDATE sessions SET created_at = now() - make_interval(days => :days)",
        days=settings.session_days - 1,
    )
    people.refresh(session["refresh_token"])
    for table in ("sessions", "refresh_tokens WHERE used_at IS NULL"):
        ((left,),) = people.service.execute(f"SELECT expires_at <= now() + interval '1 day' FROM {table}")
        assert left


def test_the_list_of_sessions_shows_when_one_was_last_used(people: People) -> None:
    session = people.newcomer()
    people.service.execute("UPDATE sessions SET last_used_at = '2026-01-01T00:00:00Z'")
    people.refresh(session["refresh_token"])
    page = people.service.call_as(people.caller(session), contract.LIST_SESSIONS)
    assert page["data"][0]["last_used_at"] > "2026-01-02"


@pytest.mark.parametrize("key", ["k1", "k2", "k3", "k4", "k5"])
def test_a_session_signed_out_while_it_is_refreshed_is_over(people: People, key: str) -> None:
    session = people.newcomer()
    caller = people.caller(session)

    def one_of_both(number: int) -> Any:
        if number:
            return people.service.call_as(caller, contract.CLOSE_SESSION, session_id="current")
        return people.refresh(session["refresh_token"], key)

    following, signed_out = outcomes(one_of_both, 2)
    assert signed_out is None
    assert refused(people, session["refresh_token"], key)
    assert following == REFUSED or refused(people, following["refresh_token"])
    assert people.service.execute("SELECT 1 FROM sessions WHERE revoked_at IS NULL") == []


def test_a_refresh_repeated_after_signing_out_gives_no_tokens(people: People) -> None:
    session = people.newcomer()
    people.refresh(session["refresh_token"], key="k1")
    people.service.call_as(people.caller(session), contract.CLOSE_ALL_SESSIONS)
    assert refused(people, session["refresh_token"], key="k1")


def test_of_many_refreshes_at_once_under_other_keys_one_wins_and_the_session_ends(people: People) -> None:
    session = people.newcomer()
    results = outcomes(lambda n: people.refresh(session["refresh_token"], key=f"k{n}"), 6)
    assert len([result for result in results if result != REFUSED]) == 1
    assert people.revoked() == [session["session_id"]]
