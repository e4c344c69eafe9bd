"""Whose a form is: it is acted on for the account it was shown to, and for nobody else."""

import re

import pytest

from tests.website.support.fake_api import ACCOUNT, SECRET, Visitor, problem, run
from website.http.page_request import Access
from website.pages import PAGES
from website.security.account_signatures import ANONYMOUS, OWNER_FIELD, AccountSigner

SIGNER = AccountSigner((SECRET,))
OTHER = "01a223a8-dbc1-764d-bcf2-d87f81f51bbb"
BEA = {"id": OTHER, "display_name": "Bea <b>", "bio": ""}
POSTS = sorted(
    re.sub(r"\{\w+\}", "x", page.path)
    for page in PAGES
    if page.method == "POST" and page.access is not Access.SIGNING_IN
)
HARMLESS = {"/v1/sessions", "/v1/notifications/unread_count", f"/v1/profiles/{OTHER}"}


def test_a_form_names_its_account_and_only_the_site_can_write_that() -> None:
    for account in (OTHER, ANONYMOUS):
        assert SIGNER.read_field(SIGNER.sign_field(account)) == account
    mac = SIGNER.sign(OTHER)
    forged = (f"{ACCOUNT['id']}.{mac}", f".{mac}", mac, OTHER, f"{OTHER}.", f"{OTHER}.{mac}0", f"{OTHER}.ä",
              f"\ud800.{mac}", "", AccountSigner(("another secret",)).sign_field(OTHER))  # fmt: skip
    assert {SIGNER.read_field(field) for field in forged} == {None}


def test_an_accounts_key_does_not_tell_which_it_is_and_outlives_a_change_of_the_secret() -> None:
    old, both = AccountSigner(("old",)), AccountSigner(("new", "old"))
    assert re.fullmatch("[0-9a-f]{32}", old.sign(OTHER)) and OTHER not in old.sign(OTHER)
    assert both.verify(OTHER, old.sign(OTHER)) and both.verify(OTHER, both.sign(OTHER))
    assert both.read_field(old.sign_field(OTHER)) == OTHER and old.read_field(both.sign_field(OTHER)) is None


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("owner", "status"),
    [
        (SIGNER.sign_field(OTHER), 409),
        (SIGNER.sign_field(ANONYMOUS), 422),
        (f"{ACCOUNT['id']}.{SIGNER.sign(OTHER)}", 422),
        (str(ACCOUNT["id"]), 422),
        ("", 422),
    ],
    ids=["another's", "nobody's", "forged", "no key", "none"],
)
def test_no_form_is_acted_on_for_another_account(path: str, owner: str, status: int) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        visitor.api.answers[f"GET /v1/profiles/{OTHER}"] = BEA
        typed = {"body": "Canary", "reason": "Canary", "text": "Canary", "requirements": "Canary"}
        answer = await visitor.post(path, **{OWNER_FIELD: owner}, **typed)
        page = await answer.text()
        assert answer.status == status
        assert "You are signed in as <strong><bdi>Ada</bdi></strong>" in page
        assert ("The form belongs to <strong><bdi>Bea &lt;b&gt;</bdi></strong>" in page) == (status == 409)
        assert "Canary" not in page
        assert {asked.path for asked in visitor.api.asked} <= HARMLESS
        assert visitor.session, "nobody is signed out"

    run(scenario)


def test_a_form_without_the_field_is_refused_too() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        headers = {"Origin": visitor.site}
        answer = await visitor.http.post("/settings/profile", data={"bio": "x"}, headers=headers)
        assert answer.status == 422 and "does not say whose it is" in await answer.text()

    run(scenario)


@pytest.mark.parametrize(
    "profile", [problem(404, "not_found"), problem(503, "unavailable"), {**BEA, "display_name": "Ada"}]
)
def test_an_owner_who_cannot_be_named_is_another_account(profile: object) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        visitor.api.answers[f"GET /v1/profiles/{OTHER}"] = profile
        answer = await visitor.post("/settings/profile", **{OWNER_FIELD: SIGNER.sign_field(OTHER)}, bio="x")
        page = await answer.text()
        assert answer.status == 409 and "The form belongs to another account" in page
        assert "Sign out and sign in as its owner" in page

    run(scenario)


def test_signing_in_and_up_say_themselves_who_one_is() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        for owner in (SIGNER.sign_field(ANONYMOUS), ""):
            answer = await visitor.post(
                "/sign-in", **{OWNER_FIELD: owner}, email="ada@example.com", password="a long pass phrase"
            )
            assert (answer.status, answer.headers["Location"]) == (303, "/orders")

    run(scenario)


def test_a_page_gets_no_parts_of_another_account() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        visitor.api.asked.clear()
        for path in ("/live/bell", "/notifications", "/services"):
            answer = await visitor.get(path, **{"X-Account": SIGNER.sign(OTHER)})
            assert (answer.headers["X-Account"], await answer.text()) == ("another", "Ada")
            assert answer.headers["Cache-Control"] == "no-store" and answer.content_type == "text/plain"
        assert visitor.api.asked == [], "nothing was read in the other's name"
        own = await visitor.get("/notifications", **{"X-Account": SIGNER.sign(str(ACCOUNT["id"]))})
        assert own.status == 200
        assert f'data-account="{SIGNER.sign(str(ACCOUNT["id"]))}"' in await own.text()

    run(scenario)


def test_a_page_of_somebody_who_is_signed_out_now_leads_to_the_sign_in_page() -> None:
    async def scenario(visitor: Visitor) -> None:
        answer = await visitor.get("/live/bell", **{"X-Account": SIGNER.sign(OTHER)})
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/live/bell")

    run(scenario)
