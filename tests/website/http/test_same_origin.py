"""Forms come from the site itself, and signing in leads nowhere else."""

import re

import pytest

from tests.website.support.fake_api import Visitor, run
from website.http.page_request import is_own_path
from website.pages import PAGES

POSTS = sorted(re.sub(r"\{\w+\}", "x", page.path) for page in PAGES if page.method == "POST")
HTTPS = "https://market.example"


@pytest.mark.parametrize("path", POSTS)
def test_every_form_must_come_from_the_site_itself(path: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        foreign: list[dict[str, str]] = [
            {},
            {"Origin": "null"},
            {"Origin": "https://evil.example"},
            {"Origin": visitor.site.replace("http:", "https:") + ".evil.example"},
            {"Origin": f"http://{visitor.http.host}:1"},
            {"Origin": "null", "Referer": visitor.site + "/settings"},
            {"Referer": "https://evil.example/" + visitor.site},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
        ]
        for headers in foreign:
            answer = await visitor.http.post(path, headers=headers, allow_redirects=False)
            assert answer.status == 403, headers
        assert visitor.api.asked == []

    run(scenario)


def test_forms_of_the_site_itself_are_taken() -> None:
    async def scenario(visitor: Visitor) -> None:
        own = [
            {"Origin": visitor.site},
            {"Referer": visitor.site + "/sign-in?next=/orders"},
            {"Sec-Fetch-Site": "same-origin"},
        ]
        for headers in own:
            answer = await visitor.http.post("/sign-out", headers=headers, allow_redirects=False)
            assert answer.status == 303

    run(scenario)


def test_behind_a_proxy_the_sites_address_decides() -> None:
    async def scenario(visitor: Visitor) -> None:
        for origin in (HTTPS, "https://MARKET.example", "https://market.example:443"):
            assert (await visitor.post("/sign-out", origin)).status == 303
        for origin in (visitor.site, "http://market.example", "https://market.example:8443"):
            assert (await visitor.post("/sign-out", origin)).status == 403

    run(scenario, site_url=HTTPS)


ELSEWHERE = (
    "//evil.example", "/\\evil.example", "https://evil.example", "https:evil.example", "javascript:alert(1)",
    "/\t/evil.example", "\t//evil.example", " //evil.example", "evil.example", "///evil.example",
    "\\\\evil.example",
    "/\r\nSet-Cookie: a=b", "http:/evil.example", "", "/\x7f", "/orders\x00",
)  # fmt: skip


@pytest.mark.parametrize("place", ELSEWHERE)
def test_signing_in_leads_nowhere_else(place: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        fields = {"email": "a@b.example", "password": "x"}
        headers = {"Origin": visitor.site}
        for path in ("/sign-in", "/sign-in"):  # signing in, and being signed in already
            answer = await visitor.http.post(
                path, params={"next": place}, data=fields, headers=headers, allow_redirects=False
            )
            assert answer.headers["Location"] == "/orders"
        answer = await visitor.http.get("/sign-in", params={"next": place}, allow_redirects=False)
        assert answer.headers["Location"] == "/orders"

    assert not is_own_path(place)
    run(scenario)


def test_signing_in_leads_back() -> None:
    async def scenario(visitor: Visitor) -> None:
        answer = await visitor.get("/notifications?unread=1")
        back = answer.headers["Location"]
        assert back == "/sign-in?next=/notifications?unread%3D1"
        page = await (await visitor.get(back)).text()
        assert 'action="/sign-in?next=/notifications?unread%3D1"' in page
        answer = await visitor.post(back, email="a@b.example", password="x")
        assert answer.headers["Location"] == "/notifications?unread=1"

    run(scenario)
