"""Wrong passwords lock out whoever gives them, not the people they are guessed at."""

from typing import Any

import pytest
from argon2 import PasswordHasher

from kit.errors import ServiceError, TooMany
from services.accounts import contract
from services.accounts.credentials import passwords
from services.accounts.settings import AccountSettings
from tests.accounts.people import PASSWORD, People, outcomes

ADA, NOBODY = "ada@example.org", "nobody@example.org"
HERE, THERE = "203.0.113.1", "198.51.100.7"
NO_HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("nobody's")
WRONG, LOCKED = "invalid_credentials", "too_many_sign_ins"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of guesses, and none of them slow."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", quick)
    monkeypatch.setattr(passwords, "placeholder_hash", lambda: NO_HASH)


def answer_to(people: People, email: str = ADA, password: str = "not the password", **rest: Any) -> str:
    """What a sign-in is answered: `in`, or the code of the refusal."""
    try:
        people.sign_in(email, password, **rest)
    except ServiceError as refused:
        return refused.code
    return "in"


def fail(people: People, times: int, address: str = HERE, email: str = ADA, **rest: Any) -> None:
    """Wrong passwords, one after the other."""
    assert [answer_to(people, email, address=address, **rest) for _ in range(times)] == [WRONG] * times


def fail_from_everywhere(people: People, times: int, email: str = ADA) -> None:
    """Wrong passwords, each from a network of its own."""
    for number in range(times):
        fail(people, 1, f"198.18.{number // 256}.{number % 256}", email)


@pytest.mark.parametrize("email", [ADA, NOBODY])
def test_a_network_that_guessed_ten_times_waits_and_no_other_does(people: People, email: str) -> None:
    people.sign_up(ADA)
    fail(people, 10, HERE, email)
    assert answer_to(people, email, PASSWORD, address=HERE) == LOCKED
    assert answer_to(people, email, address=THERE) == WRONG
    assert answer_to(people, ADA, PASSWORD, address=THERE) == "in"


def test_ten_wrong_passwords_from_ten_networks_lock_nobody_out(people: People) -> None:
    people.sign_up(ADA)
    fail_from_everywhere(people, 10)
    assert answer_to(people, ADA, PASSWORD, address=HERE) == "in"


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("192.0.2.9", "::ffff:192.0.2.9", LOCKED),
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::9", LOCKED),
        ("2001:db8:1:1::1", "2001:db8:1:2::1", "in"),
        ("192.0.2.9", "192.0.2.10", "in"),
    ],
)
def test_a_network_is_an_ipv4_address_or_64_bits_of_ipv6(
    people: People, one: str, other: str, outcome: str
) -> None:
    people.sign_up(ADA)
    fail(people, 10, one)
    assert answer_to(people, ADA, PASSWORD, address=other) == outcome


@pytest.mark.parametrize("email", [ADA, NOBODY])
def test_a_hundred_from_all_networks_in_an_hour_lock_strangers_out(people: People, email: str) -> None:
    people.sign_up(ADA)
    fail_from_everywhere(people, 100, email)
    with pytest.raises(TooMany) as refused:
        people.sign_in(email, PASSWORD, address=HERE)
    assert 3500 < refused.value.data["retry_after_seconds"] <= 3600
    assert answer_to(people, "bob@example.org", address=HERE) == WRONG
    people.service.execute(
        "UPDATE counted_attempts SET attempted_at = "
        "ARRAY(SELECT m - interval '60 minutes' FROM unnest(attempted_at) m)"
    )
    assert answer_to(people, email, address=HERE) == WRONG


def test_a_browser_that_signed_in_before_is_not_locked_out_by_strangers(people: People) -> None:
    people.sign_up(ADA)
    token = people.sign_in(ADA, address=HERE)["device_token"]
    fail_from_everywhere(people, 100)
    assert answer_to(people, ADA, PASSWORD, address=HERE) == LOCKED
    assert answer_to(people, ADA, PASSWORD, address=HERE, device_tokens=token) == "in"
    assert answer_to(people, ADA, PASSWORD, address=THERE, device_tokens=f"x {token}") == "in"


def test_nor_is_it_by_somebody_on_its_own_network(people: People) -> None:
    people.sign_up(ADA)
    token = people.sign_in(ADA, address=HERE)["device_token"]
    fail(people, 10, HERE)
    assert answer_to(people, ADA, PASSWORD, address=HERE, device_tokens=token) == "in"


def test_a_browser_that_signed_in_before_has_ten_guesses_too_wherever_it_goes(people: People) -> None:
    people.sign_up(ADA)
    token = people.sign_in(ADA, address=HERE)["device_token"]
    for number in range(10):
        fail(people, 1, f"198.51.100.{number}", device_tokens=token)
    assert answer_to(people, ADA, PASSWORD, address=THERE, device_tokens=token) == LOCKED
    assert answer_to(people, ADA, PASSWORD, address=THERE) == "in"


def test_a_device_token_is_good_for_its_account_only_while_it_lasts_and_unforged(people: People) -> None:
    people.sign_up(ADA)
    people.sign_up("eve@example.org")
    mine = people.sign_in(ADA, address=HERE)
    eves = people.sign_in("eve@example.org", address=THERE)["device_token"]
    fail_from_everywhere(people, 100)
    session_id, _, proof = mine["device_token"].partition(".")
    forged = [eves, f"{mine['session_id']}.{eves.partition('.')[2]}", session_id, f"{session_id}.", proof]
    forged += [f"{session_id}.{proof[:-1]}", f"{session_id}.{proof}x", "ü.ü", f"{session_id}.ü", " " * 999]
    for token in forged:
        assert answer_to(people, ADA, PASSWORD, address=THERE, device_tokens=token) == LOCKED, token
    people.service._overrides[AccountSettings] = {"known_browser_days": 0}
    assert answer_to(people, ADA, PASSWORD, device_tokens=mine["device_token"]) == LOCKED


def test_a_device_token_outlives_its_session_and_a_repeated_sign_in_gives_it_again(people: People) -> None:
    people.sign_up(ADA)
    session = people.sign_in(ADA, key="k1")
    assert people.sign_in(ADA, key="k1") == session
    people.service.call_as(people.caller(session), contract.CLOSE_SESSION, session_id="current")
    fail_from_everywhere(people, 100)
    assert answer_to(people, ADA, PASSWORD, device_tokens=session["device_token"]) == "in"


def test_a_browser_has_one_device_token_for_each_account(people: People) -> None:
    people.sign_up(ADA)
    people.sign_up("bob@example.org")
    adas = people.sign_in(ADA)["device_token"]
    bobs = people.sign_in("bob@example.org", device_tokens=adas)["device_token"]
    assert adas != bobs
    assert people.sign_in(ADA, device_tokens=f"{bobs} {adas}")["device_token"] == adas
    assert people.sign_in(ADA)["device_token"] not in (adas, bobs)


def test_a_device_token_opens_nothing_and_is_told_at_sign_in_only(people: People) -> None:
    session = people.newcomer()
    assert answer_to(people, session["account"]["email"], device_tokens=session["device_token"]) == WRONG
    assert "device_token" not in people.refresh(session["refresh_token"])


def test_fifty_wrong_passwords_at_once_count_as_fifty(people: People) -> None:
    people.sign_up(ADA)
    results = outcomes(lambda n: people.sign_in(ADA, "wrong", address=f"198.51.100.{n}"), 50)
    assert results == [WRONG] * 50
    ((most,),) = people.service.execute("SELECT max(cardinality(attempted_at)) FROM counted_attempts")
    assert most == 50


def test_of_a_burst_from_everywhere_a_hundred_are_answered(people: People) -> None:
    people.sign_up(ADA)
    fail_from_everywhere(people, 70)
    results = outcomes(lambda n: people.sign_in(ADA, "wrong", address=f"198.51.100.{n}"), 39)
    assert (results.count(WRONG), results.count(LOCKED)) == (30, 9)


def test_of_a_burst_from_one_network_ten_are_answered(people: People) -> None:
    people.sign_up(ADA)
    results = outcomes(lambda _: people.sign_in(ADA, "wrong", address=HERE), 39)
    assert (results.count(WRONG), results.count(LOCKED)) == (10, 29)


def test_what_is_counted_stays_small_whatever_is_tried(people: People) -> None:
    people.sign_up(ADA)
    fail_from_everywhere(people, 100)
    for number in range(60):
        assert answer_to(people, address=f"203.0.113.{number}") == LOCKED
    rows = people.service.execute("SELECT cardinality(attempted_at) FROM counted_attempts")
    assert len(rows) == 100 + 1 + 1  # each network, the account, and the sign-up
    assert max(row[0] for row in rows) == 100
    people.service.execute("UPDATE counted_attempts SET expires_at = now() - interval '1 second'")
    people.service.tick("remove_dead_sessions")
    assert people.service.execute("SELECT 1 FROM counted_attempts") == []


@pytest.mark.parametrize("locked", [False, True])
def test_known_and_unknown_addresses_get_the_same_answer_after_the_same_statements(
    people: People, locked: bool
) -> None:
    people.sign_up(ADA)
    seen = []
    for email in (ADA, NOBODY):
        fail(people, 10 if locked else 9, HERE, email)
        with pytest.raises(ServiceError) as refused:
            people.sign_in(email, "not the password", address=HERE)  # the tenth locks out
        told = refused.value
        seen.append(
            (sorted(people.service.statements), type(told), told.code, told.detail, sorted(told.data))
        )
    assert seen[0] == seen[1]


def test_a_right_password_of_a_locked_account_takes_no_longer_than_a_wrong_one(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_up(ADA)
    fail(people, 10)
    checked = "services.accounts.credentials.passwords.is_right"
    monkeypatch.setattr(checked, lambda *_: pytest.fail("it was checked"))
    assert answer_to(people, ADA, PASSWORD, address=HERE) == LOCKED
    assert answer_to(people, ADA, "not the password", address=HERE) == LOCKED


def test_sign_ins_and_wrong_passwords_at_once_end_without_a_deadlock(people: People) -> None:
    people.sign_up(ADA)
    token = people.sign_in(ADA, address=HERE)["device_token"]

    def attempt(number: int) -> str:
        password, tokens = ("wrong", PASSWORD)[number % 2], ("", token)[number % 3 > 0]
        return answer_to(people, ADA, password, address=HERE, device_tokens=tokens)

    assert set(outcomes(attempt, 24)) <= {"in", WRONG, LOCKED}
