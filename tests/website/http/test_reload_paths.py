"""A refused form's page names an address where browsers find it again without sending anything."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from client.resources import Order
from tests.website.support.market import Market
from tests.website.support.scenes import APPROVED, COMPLETED, PAID, REVIEWED, Scene, Step, make_scene
from tests.website.support.site_client import SiteClient
from website.pages import PAGES

REFUSED = {  # form: who sends it, what is wrong with it, and where its page is
    "/sign-in?next=/settings": ("", {"email": "a@b.example"}, ""),
    "/sign-up?next=/help": ("", {"email": "a@b.example"}, ""),
    "/services/{service}/order": ("customer", {"price": "null"}, ""),
    "/orders/{pending}/transitions": ("provider", {"transition": "decline"}, "/orders/{pending}"),
    "/orders/{pending}/messages": ("customer", {"body": ""}, "/orders/{pending}"),
    "/orders/{completed}/payments": ("customer", {"method": "barter"}, "/orders/{completed}"),
    "/orders/{paid}/refunds": ("provider", {"amount": "x", "currency": "EUR"}, "/orders/{paid}"),
    "/orders/{paid}/review": ("customer", {"text": "No stars."}, "/orders/{paid}"),
    "/orders/{reviewed}/review/edit": ("customer", {"text": "No stars."}, "/orders/{reviewed}"),
    "/orders/{reviewed}/review/reply": ("provider", {"text": "Redisplay."}, "/orders/{reviewed}"),
    "/profiles/{provider}/reviews/{review}/reply": ("provider", {"text": ""}, "/profiles/{provider}"),
    "/dashboard/services/new": ("provider", {"title": "A"}, ""),
    "/dashboard/services/{service}": ("provider", {"title": "A"}, ""),
    "/dashboard/payouts": ("provider", {"amount": "x"}, "/dashboard"),
    "/settings/profile": ("customer", {"display_name": ""}, "/settings"),
    "/settings/password": ("customer", {"current_password": "x", "new_password": "y"}, "/settings"),
}
NEVER_SHOWN_AGAIN = re.compile(
    r"/sign-out$|^/notifications/|/settings/notifications$|^/pay/|/(pause|resume|publish|archive)$"
)
RELOAD_PATH = re.compile(r'<body data-reload-path="([^"]+)"')


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Market(tmp_path_factory.mktemp("again")) as market:
        yield make_scene(market)


@pytest.fixture(scope="module")
def things(scene: Scene) -> dict[str, str]:
    def order(*steps: Step) -> Order:
        return scene.order(*steps, talk=False)

    reviewed = order(*REVIEWED)
    review = scene.market.ask(scene.customer.api.review(reviewed["id"]))
    states = {"pending": order(), "completed": order(*COMPLETED), "paid": order(*PAID), "reviewed": reviewed}
    ids = {state: order["id"] for state, order in states.items()}
    return {**ids, "review": review["id"], "service": scene.service["id"], "provider": scene.provider.id}


def test_every_form_that_can_be_refused_is_looked_at() -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])

    forms = {page.path for page in PAGES if page.method == "POST"}
    refused = {shape(path) for path in forms if not NEVER_SHOWN_AGAIN.search(path)}
    assert refused == {shape(path) for path in REFUSED}


@pytest.mark.parametrize("form", REFUSED)
def test_a_refused_forms_page_is_found_again_without_sending(
    scene: Scene, things: dict[str, str], form: str
) -> None:
    who, wrong, where = REFUSED[form]
    client = SiteClient(scene.market, getattr(scene, who) if who else None)
    sheet = client.post(form.format_map(things), wrong)
    assert sheet.status == 422
    named = RELOAD_PATH.search(sheet.html)
    assert named is not None and unescape(named[1]) == (where or form).format_map(things)
    again = client.open(unescape(named[1]))
    assert (again.status, again.path, RELOAD_PATH.search(again.html)) == (200, unescape(named[1]), None)


def test_only_a_refused_form_names_where_its_page_is(scene: Scene) -> None:
    assert "data-reload-path" not in SiteClient(scene.market).open("/sign-in").html
    order = scene.order(*APPROVED)
    assert (
        "data-reload-path" not in SiteClient(scene.market, scene.customer).open(f"/orders/{order['id']}").html
    )
