"""Every form of every page says whose it is, and is not acted on for anybody else."""

import re
from collections.abc import Iterator

import pytest

from tests.website.support.html_forms import SentForm, forms_of
from tests.website.support.market import Market, Person
from tests.website.support.scenes import PAID, Scene, Step, make_scene
from tests.website.support.screens import ORDER_SCREENS, SCREENS, ScreenData
from tests.website.support.site_client import SiteClient
from website.http.page_request import Access
from website.pages import PAGES
from website.security.account_signatures import ANONYMOUS, OWNER_FIELD

ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}")
Found = list[tuple[Person | None, str, SentForm]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Market(tmp_path_factory.mktemp("owned")) as market:
        yield make_scene(market)


@pytest.fixture(scope="module")
def found(scene: Scene) -> Found:
    """Every form that is sent, of every screen: who sees it, where, and what it holds."""
    screen_data = ScreenData(scene)
    unanswered = scene.order(*PAID, Step("customer", "review", "Quick."), talk=False)
    waits = scene.order(*PAID[:-1], Step("customer", "pay", "sandbox_action"), talk=False)
    token = (
        scene.market.ask(scene.customer.api.payments(waits["id"]))["data"][0]["action_url"] or ""
    ).rpartition("/")[2]
    more = [
        (scene.provider, f"/orders/{unanswered['id']}"),
        (scene.provider, f"/profiles/{scene.provider.id}"),
        (scene.customer, f"/pay/{token}"),
    ]
    clients = {who: SiteClient(scene.market, person) for who, person in screen_data.people.items()}
    names = {id(person): who for who, person in screen_data.people.items()}
    pages = [
        (screen_data.people[screen.who], screen_data.path(screen)) for screen in (*SCREENS, *ORDER_SCREENS)
    ] + more
    return [
        (person, path, form)
        for person, path in pages
        for form in forms_of(clients[names[id(person)]].open(path).html)
        if form.method == "post"
    ]


def shape(path: str) -> str:
    return re.sub(
        r"/(\{\w+\}|:id)", "/:id", re.sub(r"/pay/[^/?]+$", "/pay/:id", ID.sub("/:id", path.partition("?")[0]))
    )


def test_every_form_of_every_page_names_the_one_it_is_shown_to(found: Found) -> None:
    for person, path, form in found:
        account_id, _, key = form.values[OWNER_FIELD].rpartition(".")
        assert account_id == (person.id if person else ANONYMOUS), (path, form)
        assert re.fullmatch("[0-9a-f]{32}", key)
    posts = {shape(page.path) for page in PAGES if page.method == "POST"}
    assert {shape(form.action) for _, _, form in found} == posts, "and each kind of form was seen"


def test_every_form_is_refused_to_whoever_else_is_signed_in(scene: Scene, found: Found) -> None:
    other = SiteClient(scene.market, scene.market.person("Olga Other"))
    entering = {shape(page.path) for page in PAGES if page.access is Access.SIGNING_IN}
    one_of_each = {shape(form.action): (person, form) for person, _, form in found}
    for kind, (person, form) in one_of_each.items():
        if kind in entering:
            continue
        assert person is not None
        sheet = other.post_unchanged(form.action, form.values)
        assert sheet.status == 409, kind
        assert (
            "Olga Other" in sheet.html
            and f"The form belongs to <strong><bdi>{person.name}</bdi>" in sheet.html
        )
    assert "Olga Other" in other.open("/").html
