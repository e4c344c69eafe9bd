from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import BadQuery, Invalid, NotFound, Unauthenticated
from kit.paging import encode_cursor
from kit.security.tokens import LEEWAY_SECONDS
from services.accounts import contract
from services.accounts.models import SESSIONS
from services.accounts.settings import AccountSettings
from tests.accounts.people import PASSWORD, People
from tests.support.service_harness import person

SIGNED_IN = (
    contract.LIST_SESSIONS, contract.CLOSE_ALL_SESSIONS, contract.GET_ME, contract.CHANGE_ME,
)  # fmt: skip


def test_who_is_not_signed_in_has_no_sessions_and_no_account(people: People) -> None:
    for rpc in SIGNED_IN:
        with pytest.raises(Unauthenticated):
            people.service.call_as(None, rpc)
    with pytest.raises(Unauthenticated):
        people.service.call_as(None, contract.CLOSE_SESSION, session_id="current")
    change = {"current_password": PASSWORD, "new_password": "another good password"}
    with pytest.raises(Unauthenticated):
        people.service.call_as(None, contract.CHANGE_PASSWORD, **change)


def test_the_list_shows_ones_own_live_sessions_newest_first(people: People) -> None:
    first = people.sign_in(people.sign_up("ada@example.org")["email"], client="Firefox")
    second = people.sign_in("ada@example.org")
    people.newcomer("Bob")
    page = people.service.call_as(people.caller(first), contract.LIST_SESSIONS)
    assert page["next_cursor"] is None
    for listed in page["data"]:
        contract.ListedSession().load(listed)
    assert [(s["id"], s["client"], s["address"], s["current"]) for s in page["data"]] == [
        (second["session_id"], None, "192.0.2.1", False),
        (first["session_id"], "Firefox", "192.0.2.1", True),
    ]


def test_closed_and_expired_sessions_are_not_listed(people: People) -> None:
    first = people.newcomer()
    second = people.sign_in(first["account"]["email"])
    third = people.sign_in(first["account"]["email"])
    people.service.call_as(people.caller(first), contract.CLOSE_SESSION, session_id=second["session_id"])
    people.service.execute("UPDATE sessions SET expires_at = now() WHERE id = :id", id=third["session_id"])
    assert people.live_sessions(first) == [first["session_id"]]


def test_pages_hold_every_session_once_in_one_statement_each(people: People) -> None:
    session = people.newcomer()
    others = [people.sign_in(session["account"]["email"])["session_id"] for _ in range(6)]
    seen: list[str] = []
    cursor: str | None = None
    for pages_left in (3, 2, 1, 0):
        page = people.service.call_as(people.caller(session), contract.LIST_SESSIONS, limit=2, cursor=cursor)
        assert len(people.service.statements) == 1
        seen += [listed["id"] for listed in page["data"]]
        cursor = page["next_cursor"]
        assert (cursor is None) == (pages_left == 0)
    assert seen == [*reversed(others), session["session_id"]]


def test_a_cursor_that_is_not_ours_is_a_bad_query(people: People) -> None:
    ada, bob = people.newcomer(), people.newcomer()
    people.sign_in(ada["account"]["email"])
    foreign = people.service.call_as(people.caller(ada), contract.LIST_SESSIONS, limit=1)["next_cursor"]
    positions: list[Any] = ["x", None, 5, {}, "' OR 1"]
    made_up = [encode_cursor({"sessions_of": bob["account"]["id"]}, [position]) for position in positions]
    for cursor in ["", "x", foreign, *made_up]:
        with pytest.raises(BadQuery):
            people.service.call_as(people.caller(bob), contract.LIST_SESSIONS, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 101, -1, "many"])
def test_a_page_has_1_to_100_sessions(people: People, limit: object) -> None:
    with pytest.raises(Invalid):
        people.service.call_as(person(), contract.LIST_SESSIONS, limit=limit)


def test_the_list_and_a_refresh_are_read_by_index(people: People) -> None:
    session = people.newcomer()
    people.service.execute(
        "INSERT INTO sessions (id, account_id, expires_at, revoked_at) "
        "SELECT gen_random_uuid(), :account, now() + interval '1 day', "
        "CASE WHEN n % 2 = 0 THEN now() - interval '1 hour' END FROM generate_series(1, 20000) n",
        account=session["account"]["id"],
    )
    people.service.execute(
        "INSERT INTO refresh_tokens (digest, session_id, expires_at) "
        "SELECT sha256(id::text::bytea), id, expires_at FROM sessions"
    )
    for table in ("sessions", "refresh_tokens"):
        people.service.execute(f"ANALYZE {table}")
    plans = {
        "list": "SELECT * FROM sessions WHERE account_id = :a AND revoked_at IS NULL "
        "AND expires_at > now() ORDER BY id DESC LIMIT 21",
        "refresh": "SELECT * FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id "
        "WHERE t.digest = sha256(CAST(:a AS text)::bytea)",
        "revocations": "SELECT id FROM sessions WHERE revoked_at > now() - interval '10 minutes'",
    }
    for name, query in plans.items():
        rows = people.service.execute(f"EXPLAIN {query.replace(':a', repr(session['account']['id']))}")
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan" not in plan, name
        assert "Sort" not in plan, name


def test_signing_one_session_out(people: People, settings: AccountSettings) -> None:
    ada = people.newcomer()
    other = people.sign_in(ada["account"]["email"])
    closing = people.service.call_as(
        people.caller(ada), contract.CLOSE_SESSION, session_id=other["session_id"]
    )
    assert closing is None
    assert people.live_sessions(ada) == [ada["session_id"]]
    (event,) = people.service.events("session_revoked")
    assert event["account_id"] == ada["account"]["id"]
    assert event["session_ids"] == [other["session_id"]]
    left = datetime.fromisoformat(event["expires_at"]) - datetime.now(UTC)
    assert timedelta() < left - timedelta(seconds=settings.access_token_seconds) <= timedelta(seconds=30)
    with pytest.raises(Unauthenticated):
        people.refresh(other["refresh_token"])


def test_signing_the_current_session_out(people: People) -> None:
    ada = people.newcomer()
    people.service.call_as(people.caller(ada), contract.CLOSE_SESSION, session_id="current")
    assert people.revoked() == [ada["session_id"]]


def test_a_session_that_is_not_ones_own_does_not_exist(people: People) -> None:
    ada, bob = people.newcomer(), people.newcomer()
    unknown = ["0192f0e0-0000-7000-8000-000000000000", "not an id", "", "CURRENT", ada["session_id"].upper()]
    for session_id in [bob["session_id"], *unknown]:
        with pytest.raises(NotFound):
            people.service.call_as(people.caller(ada), contract.CLOSE_SESSION, session_id=session_id)
    assert people.revoked() == []
    assert people.live_sessions(bob) == [bob["session_id"]]


def test_a_closed_session_cannot_be_closed_again_but_the_call_can_be_repeated(people: People) -> None:
    ada = people.newcomer()
    caller = people.caller(ada)
    people.service.call_as(caller, contract.CLOSE_SESSION, key="k1", session_id="current")
    people.service.call_as(caller, contract.CLOSE_SESSION, key="k1", session_id="current")
    assert people.service.replayed
    with pytest.raises(NotFound):
        people.service.call_as(caller, contract.CLOSE_SESSION, session_id="current")
    assert people.revoked() == [ada["session_id"]]


def test_signing_out_everywhere_closes_every_session_of_that_person(people: People) -> None:
    ada, bob = people.newcomer(), people.newcomer()
    others = [people.sign_in(ada["account"]["email"]) for _ in range(2)]
    assert people.service.call_as(people.caller(ada), contract.CLOSE_ALL_SESSIONS) is None
    assert sorted(people.revoked()) == sorted(s["session_id"] for s in [ada, *others])
    assert len(people.service.events("session_revoked")) == 1
    for session in [ada, *others]:
        with pytest.raises(Unauthenticated):
            people.refresh(session["refresh_token"])
    assert people.refresh(bob["refresh_token"])["session_id"] == bob["session_id"]


def test_a_starting_gateway_learns_which_tokens_not_to_honour(
    people: People, settings: AccountSettings
) -> None:
    ada, bob = people.newcomer(), people.newcomer()
    people.newcomer("Cem")
    for session in (ada, bob):
        people.service.call_as(people.caller(session), contract.CLOSE_SESSION, session_id="current")
    long_ago = settings.access_token_seconds + LEEWAY_SECONDS + 1
    people.service.execute(
        "UPDATE sessions SET revoked_at = revoked_at - make_interval(secs => :s) WHERE id = :id",
        s=long_ago,
        id=bob["session_id"],
    )
    answer = people.service.call_as(None, contract.LIST_REVOCATIONS)
    assert len(people.service.statements) == 1
    contract.Revocations().load(answer)
    assert [revoked["session_id"] for revoked in answer["data"]] == [ada["session_id"]]
    assert answer["data"][0]["expires_at"] == people.service.events("session_revoked")[0]["expires_at"]


def test_dead_sessions_tokens_and_failures_are_removed_and_live_ones_stay(
    people: People, settings: AccountSettings
) -> None:
    closed, expired, live = people.newcomer(), people.newcomer(), people.newcomer()
    for email in ("old@example.org", "new@example.org"):
        with pytest.raises(Unauthenticated):
            people.sign_in(email)
    people.service.call_as(people.caller(closed), contract.CLOSE_SESSION, session_id="current")
    people.service.tick("remove_dead_sessions")
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 3
    long_ago = datetime.now(UTC) - timedelta(hours=settings.dead_session_hours + 1)
    move = "UPDATE sessions SET {} = :long_ago WHERE id = :id"
    people.service.execute(move.format("revoked_at"), long_ago=long_ago, id=closed["session_id"])
    people.service.execute(move.format("expires_at"), long_ago=long_ago, id=expired["session_id"])
    people.service.execute(
        "UPDATE counted_attempts SET expires_at = :long_ago "
        "WHERE subject = (SELECT min(subject) FROM counted_attempts)",
        long_ago=long_ago,
    )
    people.service.tick("remove_dead_sessions")
    assert people.service.execute("SELECT id::text FROM sessions") == [(live["session_id"],)]
    assert len(people.service.execute("SELECT 1 FROM refresh_tokens")) == 1
    assert len(people.service.execute("SELECT 1 FROM counted_attempts")) == 4


def test_rows_that_another_replica_is_removing_are_left_to_it(people: People) -> None:
    people.newcomer()
    people.service.execute("UPDATE sessions SET expires_at = now() - interval '10 days'")
    with people.service.engine.begin() as connection:
        connection.execute(SESSIONS.select().with_for_update()).all()
        people.service.tick("remove_dead_sessions")
    assert len(people.service.execute("SELECT 1 FROM sessions")) == 1
    people.service.tick("remove_dead_sessions")
    assert people.service.execute("SELECT 1 FROM sessions") == []
