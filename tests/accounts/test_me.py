import threading
from typing import Any

import pytest

from kit.errors import Invalid, NotFound, TooMany, Unauthenticated
from services.accounts import contract
from services.accounts.credentials import passwords
from services.accounts.models import ACCOUNTS
from tests.accounts.people import PASSWORD, People, outcomes
from tests.support.servers import eventually
from tests.support.service_harness import person

NEW = "another good password"


def change(people: People, session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the person's account is after a change."""
    answer: dict[str, Any] = people.service.call_as(people.caller(session), contract.CHANGE_ME, **fields)
    return answer


def change_password(people: People, session: dict[str, Any], current: str, new: str, **rest: Any) -> None:
    """Changes a password, or raises what the person is told."""
    people.service.call_as(
        people.caller(session), contract.CHANGE_PASSWORD, current_password=current, new_password=new, **rest
    )


def test_me_is_one_statement(people: People) -> None:
    session = people.newcomer()
    assert people.service.call_as(people.caller(session), contract.GET_ME) == session["account"]
    assert len(people.service.statements) == 1


def test_a_token_of_an_account_that_is_gone_finds_nothing(people: People) -> None:
    for rpc in (contract.GET_ME, contract.CHANGE_ME):
        with pytest.raises(NotFound):
            people.service.call_as(person(), rpc)


def test_a_person_changes_what_they_say_about_themselves(people: People) -> None:
    session = people.newcomer()
    wanted = {"display_name": "Countess", "bio": "Engines.", "time_zone": "Europe/London", "locale": "en-GB"}
    changed = change(people, session, **wanted)
    contract.Account().load(changed)
    same = session["account"] | wanted | {"version": 2, "updated_at": changed["updated_at"]}
    assert changed == same
    assert changed["updated_at"] > session["account"]["updated_at"]
    assert people.service.call_as(people.caller(session), contract.GET_ME) == changed
    profile = people.service.call_as(None, contract.GET_PROFILE, account_id=changed["id"])
    assert (profile["display_name"], profile["bio"]) == ("Countess", "Engines.")


def test_what_is_left_out_stays(people: People) -> None:
    session = people.newcomer()
    change(people, session, bio="Engines.")
    changed = change(people, session, locale="de")
    assert (changed["bio"], changed["locale"], changed["display_name"]) == ("Engines.", "de", "Ada")
    assert change(people, session, bio="")["bio"] == ""


def test_only_a_new_name_is_told_to_others(people: People) -> None:
    session = people.newcomer("Ada")
    change(people, session, bio="Engines.")
    changed = change(people, session, display_name="Countess")
    (event,) = people.service.events("account_updated")
    assert event["account_id"] == changed["id"]
    assert (event["display_name"], event["account_version"]) == ("Countess", 3)
    contract.AccountNamed().load({k: v for k, v in event.items() if k != "type"})


@pytest.mark.parametrize("fields", [{}, {"display_name": "Ada"}, {"bio": "", "locale": "en"}])
def test_a_change_to_what_is_there_already_is_none(people: People, fields: dict[str, str]) -> None:
    session = people.newcomer("Ada")
    assert change(people, session, **fields) == session["account"]
    assert people.service.events("account_updated") == []


def test_racing_changes_all_happen_and_are_numbered(people: People) -> None:
    session = people.newcomer("Ada")
    results = outcomes(lambda n: change(people, session, display_name=f"Ada {n}"), 6)
    assert sorted(result["version"] for result in results) == [2, 3, 4, 5, 6, 7]
    told = {
        event["account_version"]: event["display_name"] for event in people.service.events("account_updated")
    }
    assert told == {result["version"]: result["display_name"] for result in results}


def test_a_change_back_waits_for_the_change_it_takes_back(people: People) -> None:
    session = people.newcomer("Ada")
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with people.service.engine.connect() as connection:
        with connection.begin():
            connection.execute(ACCOUNTS.update().values(display_name="Countess"))
            waiting = threading.Thread(target=change, args=(people, session), kwargs={"display_name": "Ada"})
            waiting.start()
            eventually(lambda: people.service.execute(waits))
        waiting.join()
    assert people.service.call_as(people.caller(session), contract.GET_ME)["display_name"] == "Ada"


def test_a_repeated_change_happens_once(people: People) -> None:
    session = people.newcomer()
    first = change(people, session, key="k1", display_name="Countess")
    assert change(people, session, key="k1", display_name="Countess") == first
    assert len(people.service.events("account_updated")) == 1


def test_a_change_is_one_transaction_of_four_statements(people: People) -> None:
    session = people.newcomer()
    change(people, session, display_name="Countess")
    assert len(people.service.statements) == 4


def test_after_a_change_of_password_only_the_new_one_is_right(people: People) -> None:
    session = people.newcomer()
    email = session["account"]["email"]
    change_password(people, session, PASSWORD, NEW)
    with pytest.raises(Unauthenticated):
        people.sign_in(email, PASSWORD)
    assert people.sign_in(email, NEW)["account"] == session["account"]


def test_a_change_of_password_signs_the_other_sessions_out_and_this_one_stays(people: People) -> None:
    session, stranger = people.newcomer(), people.newcomer()
    others = [people.sign_in(session["account"]["email"]) for _ in range(2)]
    change_password(people, session, PASSWORD, NEW)
    assert sorted(people.revoked()) == sorted(other["session_id"] for other in others)
    assert people.live_sessions(session) == [session["session_id"]]
    for other in others:
        with pytest.raises(Unauthenticated):
            people.refresh(other["refresh_token"])
    for living in (session, stranger):
        assert people.refresh(living["refresh_token"])["session_id"] == living["session_id"]


def test_without_the_current_password_nothing_changes(people: People) -> None:
    session = people.newcomer()
    people.sign_in(session["account"]["email"])
    with pytest.raises(Invalid) as refusal:
        change_password(people, session, "not the password", NEW)
    assert refusal.value.code == "wrong_password"
    assert refusal.value.data["errors"][0]["field"] == "current_password"
    assert people.revoked() == []
    assert people.sign_in(session["account"]["email"])["session_id"]


def test_guesses_at_the_current_password_count_as_failed_sign_ins(people: People) -> None:
    session = people.newcomer()
    for _ in range(10):
        with pytest.raises(Invalid):
            change_password(people, session, "not the password", NEW)
    with pytest.raises(TooMany):
        change_password(people, session, PASSWORD, NEW)
    with pytest.raises(TooMany):
        people.sign_in(session["account"]["email"])


def test_whoever_is_signed_in_changes_their_password_whatever_strangers_guess(people: People) -> None:
    session = people.newcomer()
    email = session["account"]["email"]
    for number in range(100):
        with pytest.raises(Unauthenticated):
            people.sign_in(email, "not the password", address=f"198.51.100.{number}")
    for address in ("198.51.100.1", "203.0.113.1"):
        with pytest.raises(TooMany):
            people.sign_in(email, address=address)
    change_password(people, session, PASSWORD, NEW)
    assert people.refresh(session["refresh_token"])["session_id"] == session["session_id"]


def test_a_right_guess_behind_ten_wrong_ones_of_a_burst_changes_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = people.newcomer()
    is_right = passwords.is_right

    def overtaken(password: str, stored: str | None) -> bool:
        monkeypatch.setattr(passwords, "is_right", is_right)
        for _ in range(10):
            with pytest.raises(Invalid):
                change_password(people, session, "not the password", NEW)
        return is_right(password, stored)

    monkeypatch.setattr(passwords, "is_right", overtaken)
    with pytest.raises(TooMany):
        change_password(people, session, PASSWORD, NEW)
    people.service.execute("TRUNCATE counted_attempts")
    assert people.sign_in(session["account"]["email"], PASSWORD)["session_id"]


def test_a_common_password_is_refused_before_anything_else(people: People) -> None:
    session = people.newcomer()
    with pytest.raises(Invalid) as refusal:
        change_password(people, session, PASSWORD, "password123")
    assert refusal.value.code == "common_password"
    assert refusal.value.data["errors"][0]["field"] == "new_password"


def test_a_repeated_change_of_password_is_answered_though_the_old_one_is_wrong_now(people: People) -> None:
    session = people.newcomer()
    change_password(people, session, PASSWORD, NEW, key="k1")
    change_password(people, session, PASSWORD, NEW, key="k1")
    assert people.service.replayed


def test_of_two_racing_changes_of_password_one_wins_and_the_other_hears_why(people: People) -> None:
    session = people.newcomer()
    results = outcomes(lambda n: change_password(people, session, PASSWORD, f"another password {n}"), 2)
    assert sorted(results, key=str) == [None, "wrong_password"]
    winner = results.index(None)
    assert people.sign_in(session["account"]["email"], f"another password {winner}")["session_id"]
