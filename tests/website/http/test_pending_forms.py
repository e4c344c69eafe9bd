"""A form that was sent when its owner was not signed in: its text waits behind the sign-in page, for them."""

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest
from cryptography.fernet import Fernet

from client.resources import Order
from tests.website.support.fake_api import ACCOUNT, Visitor, problem, run, session
from tests.website.support.html_forms import SentForm, forms_of
from tests.website.support.market import Market, Person
from tests.website.support.scenes import APPROVED, PAID, REVIEWED, Scene, Step, make_scene
from tests.website.support.site_client import PageResponse, SiteClient
from website.http.middleware import SITE
from website.pages import PAGES
from website.security.pending_forms import MAX_BYTES, PENDING_FORM_SECONDS, PendingForm, PendingForms

WIDE = "\U0001d11e"  # four bytes, twelve in a form
LARGEST_FORM_BYTES = 64 * 1024
UNSENT = PendingForm("a", "Ada", "/settings/profile", {}, "/settings/profile", "/settings", {"bio": WIDE})
TYPED = {  # by the path of a form: who sends it, from where, and the longest text it takes
    "/services/{service}/order": ("customer", "/services/{service}/order", {"requirements": WIDE * 4000}),
    "/orders/{pending}/messages": ("provider", "/orders/{pending}", {"body": WIDE * 4000}),
    "/orders/{approved}/transitions": ("provider", "/orders/{approved}", {"note": WIDE * 2000}),
    "/orders/{paid}/refunds": ("provider", "/orders/{paid}", {"amount": "1.00", "reason": WIDE * 2000}),
    "/orders/{paid}/review": ("customer", "/orders/{paid}", {"rating": "4", "text": WIDE * 2000}),
    "/orders/{reviewed}/review/edit": (
        "customer",
        "/orders/{reviewed}",
        {"rating": "4", "text": WIDE * 2000},
    ),
    "/orders/{unanswered}/review/reply": ("provider", "/orders/{unanswered}", {"text": WIDE * 2000}),
    "/profiles/{provider}/reviews/{review}/reply": (
        "provider",
        "/profiles/{provider}",
        {"text": WIDE * 2000},
    ),
    "/dashboard/services/new": (
        "provider",
        "/dashboard/services/new",
        {"title": WIDE * 120, "description": WIDE * 5000},
    ),
    "/dashboard/services/{service}": (
        "provider",
        "/dashboard/services/{service}",
        {"title": WIDE * 120, "description": WIDE * 5000},
    ),
    "/dashboard/payouts": ("provider", "/dashboard", {"amount": "1.25"}),
    "/settings/profile": ("customer", "/settings", {"display_name": WIDE * 80, "bio": WIDE * 2000}),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Market(tmp_path_factory.mktemp("unsent")) as market:
        yield make_scene(market)


@pytest.fixture(scope="module")
def things(scene: Scene) -> dict[str, str]:
    def order(*steps: Step) -> Order:
        return scene.order(*steps, talk=False)

    review = Step("customer", "review", "Quick.")
    steps = {
        "pending": (),
        "approved": APPROVED,
        "paid": PAID,
        "reviewed": REVIEWED,
        "unanswered": (*PAID, review),
    }
    ids = {state: order(*each)["id"] for state, each in steps.items()}
    scene.wait_for_earnings()
    of_profile = scene.market.ask(scene.provider.api.review(ids["unanswered"]))["id"]
    return {**ids, "review": of_profile, "service": scene.service["id"], "provider": scene.provider.id}


def form_to(sheet: PageResponse, action: str) -> SentForm:
    forms = [form for form in forms_of(sheet.html) if unescape(form.action) == action]
    return next(form for form in forms if form.values.get("transition") in (None, "complete_work"))


def end_sessions(market: Market, person: Person) -> None:
    """Ends all sessions of a person but the one of these tests."""

    async def end() -> None:
        for one in (await person.api.sessions(limit=100))["data"]:
            if not one["current"]:
                await person.api.sign_out(one["id"])

    market.ask(end())


def sign_in(client: SiteClient, page: PageResponse, person: Person, password: str = "") -> PageResponse:
    """Fills in the sign-in form of a page, hidden fields and all."""
    (form,) = [form for form in forms_of(page.html) if form.action.startswith("/sign-in")]
    typed = {"email": person.email, "password": password or person.password}
    return client.post_unchanged(form.action, {**form.values, **typed})


def test_every_form_with_a_text_worth_keeping_is_looked_at() -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    assert {shape(page.path) for page in PAGES if page.redisplay} == {shape(path) for path in TYPED}
    assert not any(
        page.redisplay for page in PAGES if "password" in page.path or page.path.startswith("/sign-")
    )


@pytest.mark.parametrize("action", TYPED)
@pytest.mark.parametrize("how", ["session ended", "cookie gone", "another signed in"])
def test_the_longest_text_is_there_after_signing_in_again_and_was_not_sent(
    scene: Scene, things: dict[str, str], action: str, how: str
) -> None:
    who, where, typed = TYPED[action]
    owner: Person = getattr(scene, who)
    path = action.format_map(things)
    client = SiteClient(scene.market, owner)
    form = form_to(client.open(where.format_map(things)), path)
    sent = {**form.values, **typed}
    if how == "session ended":
        end_sessions(scene.market, owner)
        page = client.post_unchanged(path, sent)
    elif how == "cookie gone":
        client = SiteClient(scene.market)
        page = client.post_unchanged(path, sent)
    else:
        client = SiteClient(scene.market, scene.staff)
        refused = client.post_unchanged(path, sent)
        assert refused.status == 409 and WIDE not in refused.html
        (leaving,) = [form for form in forms_of(refused.html) if "_carried" in form.values]
        page = client.post_unchanged("/sign-out", leaving.values)
        assert "Menu of" not in page.html
    assert page.status in (200, 403) and "was not sent" in page.html and WIDE not in page.html
    assert len(urlencode(form_to(page, forms_of(page.html)[-1].action).values)) < LARGEST_FORM_BYTES
    shown = sign_in(client, page, owner)
    assert shown.status == 200 and "The form was not sent: check it, and send it." in shown.html
    again = form_to(shown, path)
    assert {name: again.values[name] for name in typed} == typed
    if "version" in form.values:
        assert again.values["version"] == form.values["version"]


def test_what_comes_back_is_sent_when_its_owner_sends_it(scene: Scene) -> None:
    order = scene.order(talk=False)
    path = f"/orders/{order['id']}/messages"
    client = SiteClient(scene.market, scene.customer)
    form = form_to(client.open(f"/orders/{order['id']}"), path)
    nobody = SiteClient(scene.market)
    page = nobody.post_unchanged(path, {**form.values, "body": "Line one\nLine two"})
    shown = sign_in(nobody, page, scene.customer)
    assert scene.market.ask(scene.customer.api.messages(order["id"]))["data"] == []
    sent = nobody.post_unchanged(path, form_to(shown, path).values)
    assert sent.status == 200
    (message,) = scene.market.ask(scene.customer.api.messages(order["id"]))["data"]
    assert message["body"] == "Line one\nLine two"


def test_a_wrong_password_loses_nothing(scene: Scene) -> None:
    path = f"/services/{scene.service['id']}/order"
    form = form_to(SiteClient(scene.market, scene.customer).open(path), path)
    client = SiteClient(scene.market)
    page = client.post_unchanged(path, {**form.values, "requirements": WIDE * 4000})
    for _ in range(2):
        page = sign_in(client, page, scene.customer, "not the pass phrase")
        assert page.status == 422 and WIDE not in page.html and "was not sent" in page.html
    shown = sign_in(client, page, scene.customer)
    assert form_to(shown, path).values["requirements"] == WIDE * 4000


def test_another_account_that_signs_in_gets_nothing_of_it(scene: Scene) -> None:
    path = f"/services/{scene.service['id']}/order"
    form = form_to(SiteClient(scene.market, scene.customer).open(path), path)
    client = SiteClient(scene.market)
    page = client.post_unchanged(path, {**form.values, "requirements": "Only mine"})
    seen = sign_in(client, page, scene.staff)
    assert seen.path == path and "Only mine" not in seen.html and "_carried" not in seen.html
    assert form_to(seen, path).values["requirements"] == ""


def test_a_link_to_sign_up_carries_no_text(scene: Scene) -> None:
    path = f"/services/{scene.service['id']}/order"
    form = form_to(SiteClient(scene.market, scene.customer).open(path), path)
    page = SiteClient(scene.market).post_unchanged(path, {**form.values, "requirements": "Only mine"})
    carried = form_to(page, forms_of(page.html)[-1].action).values["_carried"]
    assert page.html.count(carried) == 1 and carried not in str(page.headers)


def test_sealed_texts_are_opened_by_the_site_alone_and_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = PendingForms(("secret",))
    sealed = forms.encrypt(UNSENT)
    assert forms.decrypt(sealed) == UNSENT
    assert PendingForms(("new", "secret")).decrypt(sealed) == UNSENT
    for changed in (
        "",
        "x",
        "ä",
        "\ud800",
        sealed[:-5] + "AAAA=",
        sealed[::-1],
        Fernet(Fernet.generate_key()).encrypt(b"{}").decode(),
    ):
        assert forms.decrypt(changed) is None
    assert PendingForms(("other",)).decrypt(sealed) is None
    monkeypatch.setattr("website.security.pending_forms.PENDING_FORM_SECONDS", -1)
    assert forms.decrypt(sealed) is None and PENDING_FORM_SECONDS == 3600


def test_a_text_too_large_to_travel_is_left_where_it_is() -> None:
    values = {"bio": "x" * MAX_BYTES}
    assert PendingForms(("secret",)).encrypt(PendingForm("a", "", "", {}, "", "", values)) == ""


def test_a_session_is_no_text_and_a_text_no_session() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        assert visitor.http.app is not None
        forms = visitor.http.app[SITE].pending_forms
        assert forms.decrypt(visitor.session) is None
        name = visitor.cookie_name("session")
        visitor.http.session.cookie_jar.clear()
        answer = await visitor.get("/settings", Cookie=f"{name}={forms.encrypt(UNSENT)}")
        assert answer.status == 303

    run(scenario)


async def _sealed_for(
    visitor: Visitor, account_id: str, page: str = "/settings/profile", **parts: str
) -> str:
    unsent = PendingForm(account_id, "", page, parts, page, "/settings", {"bio": "Canary"})
    assert visitor.http.app is not None
    return visitor.http.app[SITE].pending_forms.encrypt(unsent)


def test_sealed_texts_of_others_forged_ones_and_those_of_no_form_are_dropped() -> None:
    async def scenario(visitor: Visitor) -> None:
        mine = str(ACCOUNT["id"])
        tried = {
            "another's": await _sealed_for(visitor, "01a223a8-dbc1-764d-bcf2-d87f81f51bbb"),
            "nobody's": await _sealed_for(visitor, ""),
            "of no page": await _sealed_for(visitor, mine, "/nowhere"),
            "of a page that shows nothing again": await _sealed_for(visitor, mine, "/settings/password"),
            "not sealed": json.dumps({"account_id": mine}),
        }
        for what, carried in tried.items():
            visitor.http.session.cookie_jar.clear()
            answer = await visitor.post(
                "/sign-in?next=/help", email="a@b.example", password="x", _carried=carried
            )
            assert (answer.status, answer.headers.get("Location")) == (303, "/help"), what
        visitor.http.session.cookie_jar.clear()
        own = await _sealed_for(visitor, mine)
        answer = await visitor.post("/sign-in", email="a@b.example", password="x", _carried=own)
        assert answer.status == 200 and "Canary" in await answer.text() and visitor.session

    run(scenario)


def test_what_is_not_sealed_is_not_written_into_the_sign_in_page() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = problem(422, "invalid_credentials")
        answer = await visitor.post("/sign-in", email="a@b.example", password="x", _carried="canary")
        assert answer.status == 422 and "canary" not in await answer.text()

    run(scenario)


def test_a_form_with_a_password_is_carried_nowhere() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        owner = visitor.owner
        visitor.http.session.cookie_jar.clear()
        answer = await visitor.post("/settings/password", _owner=owner, current_password="canary")
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/settings/password")
        assert "canary" not in str(answer.headers)

    run(scenario)


@pytest.mark.parametrize(
    "referer", ["http://[", "{site}//evil.example/", "{site}/\\evil.example", "nonsense"]
)
def test_where_a_form_was_leads_nowhere_else(referer: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        owner = visitor.owner
        headers = {"Origin": visitor.site, "Referer": referer.format(site=visitor.site)}
        sent = {"_owner": owner, "bio": "x"}
        visitor.http.session.cookie_jar.clear()
        answer = await visitor.http.post("/settings/profile", data=sent, headers=headers)
        page = await answer.text()
        assert answer.status == 403 and 'action="/sign-in?next=/settings/profile"' in page

    run(scenario)


def test_a_session_that_ends_with_the_form_loses_its_cookie_and_not_its_text() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = session()
        await visitor.sign_in()
        visitor.api.answers["PATCH /v1/me"] = problem(401, "session_revoked")
        visitor.api.answers["POST /v1/sessions/refresh"] = problem(401, "invalid_refresh_token")
        answer = await visitor.post("/settings/profile", bio="Canary")
        page = await answer.text()
        assert answer.status == 403 and not visitor.session
        assert 'name="_carried"' in page and "Canary" not in page

    run(scenario)
