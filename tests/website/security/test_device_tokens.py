"""A browser is known again by what it was given when somebody signed in with it."""

from typing import Any

import pytest

from tests.website.support.fake_api import ACCOUNT, Visitor, run, session
from website.views.security_events import SENTENCES, event_in_words, origin_in_words

ADAS, BOBS = "01a223a8-dbc1-764d-bcf2-d87f81f512aa.adas", "01a223a8-dbc1-764d-bcf2-d87f81f512ab.bobs"
HTTPS = "https://market.example"


def with_token(token: str) -> dict[str, Any]:
    return {**session(), "device_token": token}


def sent_tokens(visitor: Visitor) -> str | None:
    return visitor.api.asked_for("/v1/sessions")[-1].headers.get("Device-Token")


def test_a_sign_in_leaves_a_cookie_that_outlives_the_session_and_goes_with_the_next_one() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = with_token(ADAS)
        answer = await visitor.sign_in()
        cookie = answer.cookies[visitor.cookie_name("device")]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert int(cookie["max-age"]) == 365 * 24 * 3600
        assert sent_tokens(visitor) is None
        await visitor.post("/sign-out")
        await visitor.sign_in()
        assert sent_tokens(visitor) == ADAS

    run(scenario)


def test_by_https_the_cookie_is_kept_to_this_host() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = with_token(ADAS)
        answer = await visitor.post("/sign-in", HTTPS, email="a@b.example", password="x")
        assert answer.cookies["__Host-device"]["secure"] is True

    run(scenario, site_url=HTTPS)


def test_people_who_share_a_browser_have_a_token_each() -> None:
    async def scenario(visitor: Visitor) -> None:
        for token in (ADAS, BOBS, ADAS, *(f"{ADAS}{number}" for number in range(6))):
            visitor.api.answers["POST /v1/sessions"] = with_token(token)
            await visitor.sign_in()
            await visitor.post("/sign-out")
            if token == BOBS:
                await visitor.sign_in()
                assert sent_tokens(visitor) == f"{BOBS} {ADAS}"
                await visitor.post("/sign-out")
        await visitor.sign_in()
        assert sent_tokens(visitor) == " ".join(f"{ADAS}{number}" for number in (5, 4, 3, 2, 1))

    run(scenario)


@pytest.mark.parametrize("planted", ['"a\\015\\012X: y"', "ü", "a,b", "x" * 5000, "~~", '"'])
def test_a_planted_cookie_reaches_no_header(planted: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        headers = {"Cookie": f"{visitor.cookie_name('device')}={planted}", "Origin": visitor.site}
        form = {"email": "ada@example.com", "password": "x"}
        answer = await visitor.http.post("/sign-in", data=form, headers=headers, allow_redirects=False)
        assert answer.status == 303
        assert sent_tokens(visitor) is None

    run(scenario)


def test_signing_up_presents_and_leaves_tokens_too() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/accounts"] = ACCOUNT
        visitor.api.answers["POST /v1/sessions"] = with_token(BOBS)
        answer = await visitor.post(
            "/sign-up", display_name="B", email="b@example.com", password="a long one"
        )
        assert answer.cookies[visitor.cookie_name("device")].value == BOBS

    run(scenario)


EVENT: Any = {"id": "e", "created_at": "2026-11-28T12:00:00Z", "address": "203.0.113.1", "details": {}}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("kind", "details", "said"),
    [
        ("locked_out", {"scope": "network"}, SENTENCES["locked_out"]),
        ("operator_act", {"act": "staff_granted"}, "Made staff by an operator"),
        ("operator_act", {"act": "another"}, SENTENCES["operator_act"]),
        ("of_a_later_release", {}, "of_a_later_release"),
    ],
)
def test_an_event_is_said_in_words(kind: str, details: Any, said: str) -> None:
    event: Any = {**EVENT, "type": kind, "details": details}
    assert event_in_words(event) == said


@pytest.mark.parametrize(
    ("browser", "address", "said"),
    [
        (FIREFOX, "203.0.113.1", "Firefox on Linux, 203.0.113.1"),
        ("curl/8.1", "2001:db8::1", "curl, 2001:db8::1"),
        (None, "203.0.113.1", "203.0.113.1"),
        (None, None, ""),
    ],
)
def test_where_an_event_comes_from_is_said_as_far_as_it_is_known(
    browser: str | None, address: str | None, said: str
) -> None:
    event: Any = {**EVENT, "type": "locked_out", "browser": browser, "address": address}
    assert origin_in_words(event) == said


def test_settings_show_what_happened() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        assert "Nothing so far." in await (await visitor.get("/settings")).text()
        event = {**EVENT, "type": "locked_out", "browser": "<b>curl"}
        page = {"data": [event], "page": {"next_cursor": None, "has_more": False}}
        visitor.api.answers["GET /v1/me/security_events"] = page
        shown = await (await visitor.get("/settings")).text()
        assert "Locked out after many wrong passwords" in shown and "203.0.113.1" in shown
        assert "<b>curl" not in shown

    run(scenario)
