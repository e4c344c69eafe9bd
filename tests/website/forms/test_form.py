"""Forms, sent as browsers and others send them."""

import re
from typing import Any

import pytest
from aiohttp import web

from tests.website.support.fake_api import Visitor, problem, run


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"\xff\xfe=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}},
        {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"data": b"{}", "headers": {"Content-Type": "application/json"}},
    ],
)
def test_what_is_no_form_is_no_mistake_of_ours(sent: dict[str, Any]) -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = problem(422, "invalid", "Give an address.")
        sent["headers"]["Origin"] = visitor.site
        answer = await visitor.http.post("/sign-in", **sent, allow_redirects=False)
        assert answer.status in (400, 415, 422)

    run(scenario)


def test_a_form_sent_twice_is_one_request_and_a_changed_one_another() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        page = await (await visitor.get("/settings")).text()
        key = re.findall(r'name="_key" value="([0-9a-f]{32})"', page)[0]
        for name in ("Ada", "Ada", "Ada L."):
            await visitor.post("/settings/profile", _key=key, display_name=name)
        keys = [
            request.headers["Idempotency-Key"] for request in visitor.api.asked if request.method == "PATCH"
        ]
        assert keys[0] == keys[1] != keys[2]

    run(scenario)


def test_what_was_typed_is_shown_again_with_what_is_wrong_but_no_password() -> None:
    async def scenario(visitor: Visitor) -> None:
        async def refuse(_: web.Request) -> web.StreamResponse:
            errors = [{"pointer": "#/display_name", "detail": "Too short."}]
            return web.json_response({"code": "invalid", "errors": errors}, status=422)

        visitor.api.answers["POST /v1/accounts"] = refuse
        answer = await visitor.post(
            "/sign-up", display_name="<b>", email="a@b.example", password="canary-pass"
        )
        page = await answer.text()
        assert answer.status == 422 and 'value="&lt;b&gt;"' in page and "<b>" not in page
        assert 'id="display_name-error">Too short.' in page and "canary" not in page

    run(scenario)


def test_a_forms_address_asked_for_as_a_page_leads_to_where_the_form_was() -> None:
    async def scenario(visitor: Visitor) -> None:
        for path, to in {"/settings/password": "/settings", "/sign-out": "/", "/orders/x/pay": None}.items():
            answer = await visitor.get(path)
            if to is not None:
                assert (answer.status, answer.headers["Location"]) == (303, to)

    run(scenario)
