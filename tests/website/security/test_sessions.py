"""What the session cookie promises: sealed, kept to this site, changed by nobody."""

import secrets
import time
from secrets import token_hex
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs
from yarl import URL

from kit.security.keys import generate_signing_key
from kit.settings import BadSetting
from services.accounts.credentials.signing import Signer
from tests.website.support.fake_api import ACCESS, REFRESH, Visitor, run
from website.assets import Assets
from website.pages import PAGES
from website.security.sessions import SessionCookies, person_of
from website.settings import WebSettings

ID = "01890000-0000-7000-8000-00000000000a"
HTTPS = "https://market.example"


def test_the_session_is_sealed_in_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    async def scenario(visitor: Visitor) -> None:
        answer = await visitor.sign_in()
        assert (answer.status, answer.headers["Location"]) == (303, "/orders")
        (cookie,) = answer.cookies.values()
        name = f"session-{visitor.http.port}"
        assert (cookie.key, cookie["httponly"], cookie["samesite"]) == (name, True, "Lax")
        assert (cookie["path"], cookie["secure"], cookie["domain"]) == ("/", "", "")
        assert ACCESS not in cookie.value and REFRESH not in cookie.value and "Ada" not in cookie.value
        await visitor.get("/notifications")
        assert visitor.api.asked[-1].headers["Authorization"] == f"Bearer {ACCESS}"

    run(scenario)


def test_by_https_the_cookie_is_kept_to_this_host() -> None:
    async def scenario(visitor: Visitor) -> None:
        answer = await visitor.post("/sign-in", HTTPS, email="a@b.example", password="x")
        cookie = answer.cookies["__Host-session"]
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (
            True,
            True,
            "/",
            "",
        )

    run(scenario, site_url=HTTPS)


@pytest.mark.parametrize(
    ("site_url", "host", "name"),
    [
        ("", "market.example", "session"),
        ("", "market.example:80", "session"),
        ("", "[::1]:443", "session"),
        ("", "localhost:8080", "session-8080"),
        ("", "[::1]:9080", "session-9080"),
        ("", "no host at all:x", "session"),
        ("http://market.example:8080", "other.example:1", "session-8080"),
        (HTTPS, "behind.proxies:8080", "__Host-session"),
        (HTTPS + ":443", "", "__Host-session"),
        (HTTPS + ":8443", "market.example", "__Host-session-8443"),
    ],
)
def test_a_cookie_carries_the_port_unless_it_is_a_usual_one(site_url: str, host: str, name: str) -> None:
    settings = WebSettings(site_url=site_url, web_secret=token_hex(24))
    sessions = SessionCookies(("secret",), settings.is_secure, settings.port)
    request = make_mocked_request("GET", "/", headers={"Host": host})
    assert sessions.cookie_name(request) == name


def test_two_installations_on_one_host_do_not_sign_each_other_out() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        jar = visitor.http.session.cookie_jar
        other = URL(visitor.site).with_port((URL(visitor.site).port or 0) + 1)
        jar.update_cookies({f"session-{other.port}": "of another site", "session": "of a third"}, other)
        assert (await visitor.get("/settings")).status == 200
        await visitor.post("/sign-out")
        assert {cookie.key for cookie in jar if "session" in cookie.key} == {
            f"session-{other.port}",
            "session",
        }

    run(scenario)


@pytest.mark.parametrize(
    "change", [lambda c: c[:-4] + "AAA=", lambda c: "x" + c, lambda c: "", lambda c: "ä"]
)
def test_a_changed_cookie_is_refused(change: Any) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        changed = change(visitor.session)
        visitor.http.session.cookie_jar.clear()
        answer = await visitor.get("/settings", Cookie=f"{visitor.cookie_name('session')}={changed}")
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/settings")

    run(scenario)


def _cookie(secrets: tuple[str, ...]) -> str:
    response = web.Response()
    session: Any = {
        "session_id": "s", "access_token": "a", "refresh_token": "r", "expires_in": 600,
        "account": {"id": "i", "display_name": "Ada", "roles": [], "locale": "en", "time_zone": "UTC"},
    }  # fmt: skip
    SessionCookies(secrets, False).store(make_mocked_request("GET", "/"), response, person_of(session))
    return response.cookies["session"].value


@pytest.mark.parametrize("name", ["Ada", "é" * 80, "標" * 80, "\U0001f600" * 80], ids=len)
def test_a_cookie_is_short_enough_for_browsers_whatever_a_person_is_called(name: str) -> None:
    account = {"id": ID, "display_name": name, "roles": ["staff"], "locale": "x" * 35, "time_zone": "y" * 40}
    signer = Signer(generate_signing_key())
    session: Any = {
        "session_id": ID, "access_token": signer.sign(ID, ID, name, ["staff"], int(time.time()), 600),
        "refresh_token": secrets.token_urlsafe(64), "expires_in": 600, "account": account,
    }  # fmt: skip
    response = web.Response()
    SessionCookies(("secret",), True).store(make_mocked_request("GET", "/"), response, person_of(session))
    cookie = response.cookies["__Host-session"]
    assert len(f"{cookie.key}={cookie.value}") <= 4096

    request = make_mocked_request("GET", "/", headers={"Cookie": f"{cookie.key}={cookie.value}"})
    found = SessionCookies(("secret",), True).read(request)
    assert found is not None and (found.display_name, found.access_token) == (name, session["access_token"])


def _read(secrets: tuple[str, ...], cookie: str) -> Any:
    return SessionCookies(secrets, False).read(
        make_mocked_request("GET", "/", headers={"Cookie": f"session={cookie}"})
    )


@pytest.mark.parametrize("letter", ["a", "ä", "明", "\N{GRINNING FACE}", '"'])
def test_the_largest_session_fits_in_what_a_browser_keeps(letter: str) -> None:
    """RFC 6265, 6.1: a browser may drop a cookie of more than 4,096 bytes, attributes included."""
    name = letter * 80
    token = Signer(generate_signing_key()).sign("i" * 36, "s" * 36, name, ("member", "staff"), 2**31, 600)
    session: Any = {
        "session_id": "s" * 36, "access_token": token, "refresh_token": "r" * 43, "expires_in": 600,
        "account": {
            "id": "i" * 36, "display_name": name, "roles": ["member", "staff"],
            "locale": "de-" + "-".join(f"w{number:04d}xx" for number in range(400)),
            "time_zone": "America/Argentina/ComodRivadavia",
        },
    }  # fmt: skip
    response = web.Response()
    request = make_mocked_request("GET", "/", headers={"Host": "market.example:65535"})
    SessionCookies(("x",), True).store(request, response, person_of(session))
    (cookie,) = response.cookies.values()
    assert len(cookie.OutputString()) <= 4096
    sealed = _read(("x",), cookie.value)
    assert (sealed.display_name, sealed.locale) == (name, "de")


def test_secrets_change_in_two_steps() -> None:
    of_old = _cookie(("old",))
    assert _read(("new", "old"), of_old).display_name == "Ada"
    assert _read(("old",), _cookie(("new", "old"))) is None, "the first one seals"
    assert _read(("new",), of_old) is None


@pytest.mark.parametrize(
    "secret",
    ["", "short", "demo-secret-of-the-site", "demo-" + token_hex(24), "y" * 40, token_hex(24) + " z"],
    ids=("none", "short", "demo's", "like the demo's", "guessable", "an older one"),
)
def test_production_takes_no_secret_that_others_could_know(secret: str) -> None:
    production: dict[str, Any] = {"environment": "production", "site_url": "https://market.example"}
    with pytest.raises(BadSetting, match="WEB_SECRET"):
        WebSettings(**production, web_secret=secret)
    own = token_hex(24)
    assert WebSettings(**production, web_secret=own).secrets == (own,)


def test_tokens_and_passwords_get_neither_into_pages_nor_into_logs() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        await visitor.post("/settings/password", current_password="canary-old", new_password="canary-new-1")
        for page in PAGES:
            if page.method == "GET" and page.path != "/live/events":
                answer = await visitor.get(page.path.replace("{", "").replace("}", ""))
                assert "canary" not in await answer.text(), page.path
                assert "canary" not in str(answer.headers)

    with capture_logs() as lines:
        run(scenario)
    assert lines and "canary" not in str(lines)


def test_scripts_know_nothing_of_cookies() -> None:
    for name in ("forms.js", "live.js"):
        asset = Assets()._by_name[name]
        assert b"cookie" not in asset.plain and b"token" not in asset.plain.lower()
