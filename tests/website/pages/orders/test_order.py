"""Ordering, My Orders, an order's page with its actions and messages: over HTTP, without a browser."""

import functools
import time
from collections.abc import Callable, Iterator

import pytest

from client.resources import Order
from tests.website.support import scenes
from tests.website.support.market import Market, Person
from tests.website.support.scenes import Scene, Step, make_scene
from tests.website.support.site_client import PATIENCE_SECONDS, PageResponse, SiteClient

Visit = Callable[..., SiteClient]
ROLES = ("customer", "provider", "staff")
STAYS = "Please wait for me."


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Its payments are overdue at once."""
    with Market(
        tmp_path_factory.mktemp("orders"), PAYMENT_DUE_DAYS="0", OVERDUE_BLOCKS_ORDERS="true"
    ) as market:
        yield market


@pytest.fixture
def scene(market: Market) -> Scene:
    return make_scene(market)


@pytest.fixture
def visit(market: Market) -> Visit:
    """Returns a client of the site, signed in as a person or anonymous."""
    return functools.partial(SiteClient, market)


def soon(look: Callable[[], bool]) -> None:
    """Waits for what events bring."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def who(scene: Scene, role: str) -> Person:
    return {"customer": scene.customer, "provider": scene.provider, "staff": scene.staff}[role]


def status_of(scene: Scene, order: Order) -> int:
    return scene.market.ask(scene.customer.api.order(order["id"]))["status"]


def test_somebody_signed_out_signs_in_and_comes_back_to_the_order_form(visit: Visit, scene: Scene) -> None:
    asked = f"/services/{scene.service['id']}/order"
    visitor = visit()
    entrance = visitor.open(asked)
    assert entrance.path == f"/sign-in?next={asked}"
    typed = {"email": scene.customer.email, "password": scene.customer.password}
    assert visitor.send(entrance.form(entrance.path), **typed).path == asked


def test_an_order_is_placed_at_the_price_shown_and_paid_later(visit: Visit, scene: Scene) -> None:
    visitor = visit(scene.customer)
    form = visitor.open(f"/services/{scene.service['id']}/order")
    assert "You pay after completion, not now" in form.text()
    assert f'data-draft="order-{scene.service["id"]}"' in form.html
    brief = "<script>alert(1)</script>\n& two lines"
    first = visitor.send(form.form("/order"), requirements=brief)
    again = visitor.send(form.form("/order"), requirements=brief)
    assert first.path == again.path and first.path.startswith("/orders/")
    assert "<script>alert" not in first.html and "<script>alert(1)</script> & two lines" in first.text(
        "order-wish"
    )
    assert "Waiting for Pietro Amsel" in first.text("order-banner")


def test_an_order_without_requirements_is_shown_again(visit: Visit, scene: Scene) -> None:
    visitor = visit(scene.customer)
    refused = visitor.send(visitor.open(f"/services/{scene.service['id']}/order").form("/order"))
    assert refused.status == 422 and 'aria-invalid="true"' in refused.html


def test_a_changed_price_is_shown_before_anything_is_ordered(visit: Visit, scene: Scene) -> None:
    visitor = visit(scene.customer)
    form = visitor.open(f"/services/{scene.service['id']}/order").form("/order")
    changes = scene.provider.api.change_service(scene.service, price={"amount": 5550, "currency": "EUR"})
    scene.market.ask(changes)
    refused = visitor.send(form, requirements=STAYS)
    assert refused.status == 422 and "it is €55.50 now" in refused.text()
    assert refused.form("/order").values["requirements"] == STAYS
    assert "€55.50" in visitor.send(refused.form("/order")).text("order-side")


def test_what_cannot_be_ordered_says_why_and_keeps_what_was_typed(visit: Visit, scene: Scene) -> None:
    path = f"/services/{scene.service['id']}/order"
    visitor, owner = visit(scene.customer), visit(scene.provider)
    own = owner.open(path)
    assert "your own service" in own.text() and not own.has_form("/order")
    form = visitor.open(path).form("/order")
    refused = owner.send(form, requirements=STAYS)
    assert refused.status == 422 and "your own service" in refused.text()
    scene.market.ask(scene.provider.api.change_service(scene.service, status="paused"))
    refused = visitor.send(form, requirements=STAYS)
    assert refused.status == 422
    assert "cannot be ordered at the moment" in refused.text() and STAYS in refused.text()


def test_an_overdue_payment_is_named_and_linked(visit: Visit, scene: Scene) -> None:
    unpaid = scene.order(*scenes.COMPLETED, talk=False)
    visitor = visit(scene.customer)
    answers: list[PageResponse] = []

    def is_refused() -> bool:
        form = visitor.open(f"/services/{scene.service['id']}/order").form("/order")
        answers.append(visitor.send(form, requirements=STAYS))
        return answers[-1].status == 422

    soon(is_refused)
    assert unpaid["number"] in answers[-1].text()
    assert f'href="/orders/{unpaid["id"]}"' in answers[-1].html
    assert answers[-1].form("/order").values["requirements"] == STAYS


@pytest.mark.parametrize("state", [name for name in scenes.STATES if "pa" not in name and name != "reviewed"])
def test_a_page_offers_exactly_what_the_api_offers(visit: Visit, scene: Scene, state: str) -> None:
    order = scene.order(*scenes.STATES[state], talk=False)
    for role in ROLES:
        person = who(scene, role)
        page = visit(person).open(f"/orders/{order['id']}")
        offered = scene.market.ask(person.api.order(order["id"]))["available_transitions"]
        assert page.transitions == sorted(offered)
        assert page.has_form("/messages") == (role != "staff")
        assert page.html.count('aria-current="step"') == 1


def test_who_has_used_all_rounds_of_changes_is_told_so(visit: Visit, scene: Scene) -> None:
    fresh = f"/orders/{scene.order(*scenes.DELIVERED, talk=False)['id']}"
    assert "rounds of changes" not in visit(scene.customer).open(fresh).text("order-actions")
    again = (scenes.Step("customer", "request_changes", "Bluer."), scenes.DELIVERED[-1])
    used = scene.order(*scenes.DELIVERED, *again * scene.service["revisions"], talk=False)
    page = visit(scene.customer).open(f"/orders/{used['id']}")
    assert "request_changes" not in page.transitions
    assert "You have used all" in page.text("order-actions")
    assert "rounds of changes" not in visit(scene.provider).open(f"/orders/{used['id']}").text(
        "order-actions"
    )


ACTS = [
    ("pending", "provider", "approve", {}, 2),
    ("pending", "provider", "decline", {"reason": "No time."}, 7),
    ("pending", "customer", "withdraw", {}, 7),
    ("order placed", "provider", "complete_work", {"note": "Here it is."}, 3),
    ("order placed", "provider", "complete_work", {}, 3),
    ("order placed", "customer", "cancel", {"reason": "No need."}, 7),
    ("order placed", "provider", "open_dispute", {"reason": "Silence."}, 2),
    ("work completed", "customer", "request_changes", {"reason": "Bluer."}, 2),
    ("work completed", "customer", "confirm", {}, 4),
    ("work completed", "provider", "cancel", {"reason": "A gift."}, 7),
    ("work completed", "staff", "cancel", {"reason": "Both asked."}, 7),
    ("disputed", "staff", "resolve_dispute", {"reason": "It is fine.", "to_status": "4"}, 4),
]


@pytest.mark.parametrize(("state", "role", "transition", "typed", "after"), ACTS)
def test_an_action_of_the_page_moves_the_order(
    visit: Visit, scene: Scene, state: str, role: str, transition: str, typed: dict[str, str], after: int
) -> None:
    order = scene.order(*scenes.STATES[state], talk=False)
    visitor = visit(who(scene, role))
    form = visitor.open(f"/orders/{order['id']}").form("/transitions", transition=transition)
    moved = visitor.send(form, **typed)
    assert moved.status == 200 and moved.path == f"/orders/{order['id']}"
    assert status_of(scene, order) == after
    for text in (typed.get("reason"), typed.get("note")):
        assert text is None or text in moved.text("order-thread")
    twice = visitor.send(form, **typed)
    assert twice.status == 200 and status_of(scene, order) == after


def test_a_reason_that_is_missing_is_asked_for(visit: Visit, scene: Scene) -> None:
    order = scene.order(talk=False)
    visitor = visit(scene.provider)
    form = visitor.open(f"/orders/{order['id']}").form("/transitions", transition="decline")
    refused = visitor.send(form, reason=" ")
    assert refused.status == 422 and "Say why" in refused.text("order-actions")
    assert status_of(scene, order) == 1
    again = visitor.open(refused.path)  # as after a reload that sends nothing
    assert (again.status, again.path) == (200, f"/orders/{order['id']}")


def test_a_stale_page_cannot_act_and_loses_no_text(visit: Visit, scene: Scene) -> None:
    order = scene.order(*scenes.APPROVED, talk=False)
    provider, customer = visit(scene.provider), visit(scene.customer)
    page = provider.open(f"/orders/{order['id']}")
    scene.market.ask(scene.provider.api.transition(order["id"], "complete_work"))
    scene.market.ask(scene.customer.api.transition(order["id"], "request_changes", reason="Bluer."))
    refused = provider.send(page.form("/transitions", transition="complete_work"), note=STAYS)
    assert refused.status == 422 and "has moved on" in refused.text("order-actions")
    again = refused.form("/transitions", transition="complete_work")
    assert again.values["note"] == STAYS
    assert provider.send(again).status == 200 and status_of(scene, order) == 3

    scene.market.ask(scene.customer.api.transition(order["id"], "open_dispute", reason="No."))
    refused = provider.send(page.form("/transitions", transition="cancel"), reason=STAYS)
    assert refused.status == 422 and refused.transitions == []
    assert "has moved on" in refused.text("order-actions") and STAYS in refused.text("order-actions")
    assert customer.open(f"/orders/{order['id']}").text("order-banner").startswith("There is a dispute")


@pytest.mark.parametrize(
    "state", ["pending", "order placed", "work completed", "disputed", "cancelled", "reviewed"]
)
def test_both_write_in_every_status_and_twice_sent_is_once_said(
    visit: Visit, scene: Scene, state: str
) -> None:
    order = scene.order(*scenes.STATES[state], talk=False)
    for person in (scene.customer, scene.provider):
        visitor = visit(person)
        form = visitor.open(f"/orders/{order['id']}").form("/messages")
        for _ in range(2):
            sent = visitor.send(form, body=f"Said by {person.name}")
        assert f"Said by {person.name}" in sent.text("order-thread")
    said = scene.market.ask(scene.customer.api.messages(order["id"]))["data"]
    assert [message["body"] for message in said] == ["Said by Pietro Amsel", "Said by Carla Winter"]


def test_an_empty_message_is_refused_and_staff_only_read(visit: Visit, scene: Scene) -> None:
    order = scene.order()
    visitor = visit(scene.customer)
    form = visitor.open(f"/orders/{order['id']}").form("/messages")
    assert visitor.send(form, body="").status == 422
    assert visit(scene.staff).send(form, body="Hello").status == 403


def test_messages_are_read_by_being_looked_at(visit: Visit, scene: Scene) -> None:
    order = scene.order(talk=False)
    scene.market.ask(scene.customer.api.post_message(order["id"], "Anybody there?"))
    provider = visit(scene.provider)
    assert "1 unread" in provider.open("/messages").text("threads-list")
    assert 'aria-label="New messages"' in provider.open("/orders?role=provider").html

    def is_read() -> bool:
        said = scene.market.ask(scene.customer.api.messages(order["id"]))["data"]
        return said[0]["read_at"] is not None

    assert provider.head(f"/orders/{order['id']}") == 200
    provider.open(f"/orders/{order['id']}", **{"Sec-Purpose": "prefetch"})
    visit(scene.staff).open(f"/orders/{order['id']}")
    time.sleep(0.3)
    assert not is_read()
    provider.open(f"/orders/{order['id']}", **{"X-Live": "1"})
    soon(is_read)
    assert "unread" not in provider.open("/messages").text("threads-list")


def test_what_one_was_told_of_an_order_is_read_by_looking_at_it(visit: Visit, scene: Scene) -> None:
    seen, unseen = scene.order(talk=False), scene.order(talk=False)
    provider = visit(scene.provider)

    def unread() -> set[str | None]:
        told = scene.market.ask(scene.provider.api.notifications(unread=True))["data"]
        return {one["order_id"] for one in told}

    soon(lambda: unread() == {seen["id"], unseen["id"]})
    provider.head(f"/orders/{seen['id']}")
    provider.open(f"/orders/{seen['id']}", **{"Sec-Purpose": "prefetch"})
    assert provider.open("/").text("bell") == "Notifications 2 unread", "who does not look, reads nothing"
    assert provider.open(f"/orders/{seen['id']}").text("bell") == "Notifications 1 unread"
    soon(lambda: unread() == {unseen["id"]})
    assert provider.open(f"/orders/{unseen['id']}", **{"X-Live": "1"}).text("bell") == "Notifications"


def test_a_long_thread_is_shown_in_parts(visit: Visit, scene: Scene) -> None:
    order = scene.order(talk=False)
    for number in range(70):
        scene.market.ask(scene.customer.api.post_message(order["id"], f"Message {number:03}."))
    visitor = visit(scene.provider)
    newest = visitor.open(f"/orders/{order['id']}")
    assert "Message 069." in newest.text() and "Message 009." not in newest.text()
    address = newest.html.split('class="button quiet small" href="')[1].split("#")[0].replace("&amp;", "&")
    older = visitor.open(address)
    assert "Message 009." in older.text() and "Message 010." not in older.text()
    assert "placed the order request" in older.text() and not older.has_form("/messages")
    assert visitor.open(f"/orders/{order['id']}?before=nonsense").status == 404


def test_strangers_find_nothing(visit: Visit, scene: Scene, market: Market) -> None:
    order = scene.order(*scenes.DELIVERED)
    stranger, page = visit(market.person("Nosy Parker")), visit(scene.customer).open(f"/orders/{order['id']}")
    assert stranger.open(f"/orders/{order['id']}").status == 404
    assert stranger.open("/orders/nothing-like-an-id").status == 404
    for form in page.forms:
        if form.action.startswith("/orders/"):
            assert stranger.send(form, body="Hello", reason="Why not").status == 404
    assert status_of(scene, order) == 3
    assert visit().open(f"/orders/{order['id']}").path.startswith("/sign-in")


def test_my_orders_opens_where_something_waits(visit: Visit, scene: Scene) -> None:
    pending = scene.order(talk=False)
    delivered = scene.order(*scenes.DELIVERED, talk=False)
    provider = visit(scene.provider).open("/orders")
    assert 'aria-current="page">As provider' in provider.html
    assert provider.text("orders-list").count("Your turn") == 1
    assert pending["number"] in provider.text("orders-list") and "for Carla Winter" in provider.text(
        "orders-list"
    )
    customer = visit(scene.customer)
    assert customer.open("/orders").text("orders-list").count("Your turn") == 1
    shown = customer.open("/orders?role=customer&status=3&sort=-created_at").text("orders-list")
    assert delivered["number"] in shown and pending["number"] not in shown and "Confirm by" in shown
    assert "No order has this status" in customer.open("/orders?role=customer&status=7").text("orders-list")


def test_an_unpaid_order_is_the_turn_of_its_customer(visit: Visit, scene: Scene) -> None:
    scene.order(*scenes.COMPLETED, Step("customer", "pay", "sandbox_declined"), talk=False)
    customer = visit(scene.customer)
    soon(lambda: "Payment failed" in customer.open("/orders?role=customer").text("orders-list"))
    assert "Your turn" in customer.open("/orders?role=customer").text("orders-list")
