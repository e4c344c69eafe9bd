"""Signing up and in: the browser's time zone, and where the focus is when something was wrong."""

import re

import pytest
from aiohttp.test_utils import make_mocked_request

from tests.website.support.fake_api import ACCOUNT, SECRET, Answer, Visitor, problem, run
from website.forms.form import Form
from website.security.sessions import SessionCookies
from website.views.languages import is_zone

NEW = {"display_name": "Ada", "email": "ada@example.com", "password": "a long pass phrase"}
FOCUSED = re.compile(r'<input id="(\w+)"[^>]* autofocus')


async def zone_after_sign_up(visitor: Visitor, zone: str, change: object) -> str:
    visitor.api.answers["POST /v1/accounts"] = ACCOUNT
    visitor.api.answers["PATCH /v1/me"] = change
    answer = await visitor.post("/sign-up?next=/help", **NEW, time_zone=zone)
    assert (answer.status, answer.headers["Location"]) == (303, "/help")

    request = make_mocked_request("GET", "/", headers={"Cookie": f"session={visitor.session}"})
    person = SessionCookies((SECRET,), False).read(request)
    assert person is not None
    return person.time_zone


def test_a_new_account_has_the_browsers_time_zone() -> None:
    async def scenario(visitor: Visitor) -> None:
        changed = {**ACCOUNT, "time_zone": "Asia/Tokyo"}
        assert await zone_after_sign_up(visitor, "Asia/Tokyo", changed) == "Asia/Tokyo"
        assert visitor.api.bodies[-1] == {"time_zone": "Asia/Tokyo"}

    run(scenario)


@pytest.mark.parametrize("refusal", [problem(503, "unavailable"), problem(422, "invalid")])
def test_one_signs_up_even_if_the_time_zone_cannot_be_set(refusal: Answer) -> None:
    async def scenario(visitor: Visitor) -> None:
        assert await zone_after_sign_up(visitor, "Asia/Tokyo", refusal) == "UTC"

    run(scenario)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Etc/GMT+3", "../etc/passwd"])
def test_a_zone_that_nobody_can_choose_is_not_asked_for(zone: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        assert await zone_after_sign_up(visitor, zone, ACCOUNT) == "UTC"
        assert visitor.api.asked_for("/v1/me") == []

    run(scenario)


def test_old_names_that_browsers_use_are_known() -> None:
    assert all(map(is_zone, ("UTC", "Asia/Calcutta", "Europe/Kiev", "America/Argentina/Buenos_Aires")))


def test_the_focus_is_on_the_first_wrong_field_of_the_page() -> None:
    form = Form(values={"display_name": "", "email": "x", "password": ""})
    form.add_error("password", "Too short.")
    form.add_error("display_name", "Write a name.")
    assert form.first_wrong == "display_name"
    assert Form(errors={"rating": "Choose."}).first_wrong == "rating"
    assert Form().first_wrong == ""


def test_after_a_wrong_password_the_focus_is_on_the_password() -> None:
    async def scenario(visitor: Visitor) -> None:
        assert FOCUSED.findall(await (await visitor.get("/sign-in")).text()) == ["email"]
        visitor.api.answers["POST /v1/sessions"] = problem(401, "invalid_credentials")
        answer = await visitor.sign_in()
        assert (answer.status, FOCUSED.findall(await answer.text())) == (422, ["password"])

    run(scenario)
