"""What happened to an account is stored with the effect, shown to its owner, logged and counted."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from kit.errors import BadQuery, ServiceError
from services.accounts import contract
from services.accounts.commands.grant_staff import grant_staff, revoke_staff
from services.accounts.credentials import passwords
from services.accounts.settings import AccountSettings
from tests.accounts.people import PASSWORD, People, outcomes

HERE, THERE = "203.0.113.1", "2001:db8::7"
NEW = "another good password"


def events_of(people: People, session: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """What the session's owner is shown, newest first."""
    page = people.service.call_as(people.caller(session), contract.LIST_SECURITY_EVENTS, **query)
    for event in page["data"]:
        contract.SecurityEvent().load(event)
    events: list[dict[str, Any]] = page["data"]
    return events


def types_of(people: People, session: dict[str, Any]) -> list[str]:
    """Their types, oldest first."""
    return [event["type"] for event in reversed(events_of(people, session))]


def counted(kind: str) -> float:
    """The metric of a type."""
    return REGISTRY.get_sample_value("microtasks_security_events_total", {"type": kind}) or 0.0


def test_a_sign_in_from_a_new_browser_is_told_with_where_from(people: People) -> None:
    email = people.sign_up()["email"]
    session = people.sign_in(email, client="Firefox", address=HERE)
    (event,) = events_of(people, session)
    assert (event["type"], event["address"], event["browser"]) == ("signed_in_new_browser", HERE, "Firefox")
    assert event["details"] == {"session_id": session["session_id"]}


def test_a_browser_is_new_once(people: People) -> None:
    email = people.sign_up()["email"]
    session = people.sign_in(email, client="Firefox", address=HERE)
    people.sign_in(email, client="Firefox", address=THERE, device_tokens=session["device_token"])
    people.sign_in(email, client="Firefox", address=HERE)  # a program that keeps no token
    assert types_of(people, session) == ["signed_in_new_browser"]
    people.sign_in(email, client="Chrome", address=HERE)
    people.sign_in(email, client=None, address=HERE)
    people.sign_in(email, client="Firefox", address=THERE)
    assert types_of(people, session) == ["signed_in_new_browser"] * 4


def test_a_lock_out_is_told_once_with_the_address_that_caused_it(people: People) -> None:
    session = people.newcomer()
    with capture_logs() as logs:
        for _ in range(14):
            with pytest.raises(ServiceError):
                people.sign_in(session["account"]["email"], "wrong", client="curl/8", address=THERE)
    event, first = events_of(people, session)
    assert (event["type"], event["address"], event["browser"]) == ("locked_out", THERE, "curl/8")
    assert event["details"] == {"scope": "network"}
    assert first["type"] == "signed_in_new_browser"
    (line,) = [line for line in logs if line["event"] == "security_event"]
    assert (line["type"], line["account_id"]) == ("locked_out", session["account"]["id"])


def test_a_changed_password_is_told_with_the_browser_of_the_session(people: People) -> None:
    email = people.sign_up()["email"]
    session = people.sign_in(email, client="Firefox")
    before = counted("password_changed")
    change = {"current_password": PASSWORD, "new_password": NEW}
    people.service.call_as(people.caller(session), contract.CHANGE_PASSWORD, key="k1", address=HERE, **change)
    people.service.call_as(people.caller(session), contract.CHANGE_PASSWORD, key="k1", **change)
    event = events_of(people, session)[0]
    assert (event["type"], event["address"], event["browser"]) == ("password_changed", HERE, "Firefox")
    assert counted("password_changed") == before + 1
    assert types_of(people, session) == ["signed_in_new_browser", "password_changed"]


def test_a_refused_change_of_password_leaves_no_event_and_is_neither_logged_nor_counted(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = people.newcomer()
    before = counted("password_changed")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the transaction fails after the event was recorded")

    monkeypatch.setattr("services.accounts.commands.change_password.close_sessions", broken)
    with capture_logs() as logs, pytest.raises(RuntimeError):
        people.service.call_as(
            people.caller(session), contract.CHANGE_PASSWORD, current_password=PASSWORD, new_password=NEW
        )
    assert types_of(people, session) == ["signed_in_new_browser"]
    assert [line for line in logs if line["event"] == "security_event"] == []
    assert counted("password_changed") == before


def test_a_refresh_token_used_again_is_told_with_who_used_it(people: People) -> None:
    session = people.newcomer()
    people.refresh(session["refresh_token"])
    other = people.sign_in(session["account"]["email"])
    with pytest.raises(ServiceError):
        people.service.call_as(
            None,
            contract.REFRESH_SESSION,
            refresh_token=session["refresh_token"],
            client="curl/8",
            address=THERE,
        )
    event = events_of(people, other)[0]
    assert (event["type"], event["address"], event["browser"]) == ("refresh_token_reused", THERE, "curl/8")
    assert event["details"] == {"session_id": session["session_id"]}


def test_a_refresh_token_used_again_by_many_at_once_is_told_once(people: People) -> None:
    session = people.newcomer()
    people.refresh(session["refresh_token"])
    other = people.sign_in(session["account"]["email"])
    outcomes(lambda _: people.refresh(session["refresh_token"]), 8)
    assert types_of(people, other).count("refresh_token_reused") == 1


def test_what_an_operator_does_is_told_without_a_name(people: People, settings: AccountSettings) -> None:
    session = people.newcomer()
    email = session["account"]["email"]
    grant_staff(people.service.db, email, "olga")
    grant_staff(people.service.db, email, "olga")
    revoke_staff(people.service.db, email, "olga", settings)
    told = [event for event in events_of(people, session) if event["type"] == "operator_act"]
    assert [event["details"] for event in told] == [{"act": "staff_revoked"}, {"act": "staff_granted"}]
    assert [event["address"] for event in told] == [None, None]


def test_nobody_sees_what_happened_to_others(people: People) -> None:
    ada, bob = people.newcomer(), people.newcomer("Bob")
    mine = {event["id"] for event in events_of(people, ada)}
    assert mine.isdisjoint(event["id"] for event in events_of(people, bob))
    page = people.service.call_as(people.caller(ada), contract.LIST_SECURITY_EVENTS, limit=1)
    assert (len(page["data"]), page["next_cursor"]) == (1, None)


def test_the_list_is_walked_newest_first_by_one_statement_a_page(people: People) -> None:
    session = people.newcomer()
    for number in range(4):
        people.sign_in(session["account"]["email"], client=f"Browser {number}")
    walked: list[str] = []
    cursor = None
    for _ in range(3):
        page = people.service.call_as(
            people.caller(session), contract.LIST_SECURITY_EVENTS, limit=2, cursor=cursor
        )
        assert len(people.service.statements) == 1
        walked += [event["browser"] for event in page["data"]]
        cursor = page["next_cursor"]
    assert walked == ["Browser 3", "Browser 2", "Browser 1", "Browser 0", None]
    assert cursor is None


def test_a_cursor_of_another_person_is_refused(people: People) -> None:
    ada, bob = people.newcomer(), people.newcomer("Bob")
    people.sign_in(ada["account"]["email"], client="Firefox")
    page = people.service.call_as(people.caller(ada), contract.LIST_SECURITY_EVENTS, limit=1)
    with pytest.raises(BadQuery):
        events_of(people, bob, cursor=page["next_cursor"])


def test_events_are_removed_after_180_days(people: People) -> None:
    session = people.newcomer()
    people.sign_in(session["account"]["email"], client="Firefox")
    move = "UPDATE security_events SET created_at = now() - make_interval(days => :days) WHERE browser "
    people.service.execute(move + "IS NULL", days=181)
    people.service.execute(move + "= 'Firefox'", days=179)
    people.service.tick("remove_dead_sessions")
    assert [event["browser"] for event in events_of(people, session)] == ["Firefox"]


def test_a_password_changed_by_many_at_once_is_told_as_often_as_it_changed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "is_common", lambda _: False)
    session = people.newcomer()
    results = outcomes(
        lambda n: people.service.call_as(
            people.caller(session),
            contract.CHANGE_PASSWORD,
            current_password=PASSWORD,
            new_password=f"{NEW}{n}",
        ),
        6,
    )
    assert types_of(people, session).count("password_changed") == results.count(None) == 1
