"""Scripts and other tricks in every text that people can type: nothing runs, all is shown as typed."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import pytest

from client.resources import Order
from tests.support.servers import eventually
from tests.website.browser.conftest import Visit
from tests.website.browser.support.fill_forms import fill_every_form, typed_forms_of_the_site
from tests.website.browser.support.payloads import LONG, SHORT, assert_harmless, assert_shown, texts_on
from tests.website.support.market import Market, Person
from tests.website.support.scenes import PAID, PRICE, Step, make_scene
from tests.website.support.screens import (
    CUSTOMER,
    ORDER_SCREENS,
    PROVIDER,
    SCREENS,
    STAFF,
    VISITOR,
    ScreenData,
)

FILTERS = ("q", "category", "provider_id", "min_price", "max_price", "currency", "min_rating", "sort")


@dataclass
class Crowd:
    """For each of the short texts a provider of that name, who sold a service of that title."""

    customer: Person
    providers: list[Person]
    orders: list[Order] = field(default_factory=list)


@pytest.fixture(scope="module")
def crowd(market: Market) -> Crowd:
    crowd = Crowd(market.person(SHORT[1]), market.people(*SHORT))

    async def trade(provider: Person, text: str) -> Order:
        service = await provider.api.post_service(
            f"{text} .....", "\n".join(LONG), "writing", PRICE, delivery_days=3, revisions=2
        )
        order = await crowd.customer.api.submit_order(service["id"], "\n".join(LONG))
        await provider.api.post_message(order["id"], text)
        return await provider.api.transition(order["id"], "decline", reason=text)

    async def trade_all() -> list[Order]:
        return await asyncio.gather(*map(trade, crowd.providers, SHORT))

    crowd.orders = market.ask(trade_all())
    return crowd


@pytest.mark.parametrize("path", ["/", "/services", "/orders", "/messages", "/notifications"])
def test_names_titles_and_messages_do_nothing_in_any_list(
    visit: Visit, market: Market, crowd: Crowd, path: str
) -> None:
    told = 2 * len(SHORT)  # each provider wrote and declined

    def heard() -> int:
        return len(market.ask(crowd.customer.api.notifications(limit=100))["data"])

    eventually(lambda: heard() == told, 60, "everything is told")
    visitor, missing, following = visit(crowd.customer), set(SHORT), path
    while following:
        page = visitor.open(following)
        assert_harmless(page)
        visitor.check()
        missing -= texts_on(page, *missing)
        link = page.locator("nav.pages a[rel=next]")
        following = (link.get_attribute("href") or "") if link.count() else ""
    assert path == "/" or not missing


@pytest.mark.parametrize("part", range(4))
def test_an_order_and_a_service_show_texts_as_typed(visit: Visit, crowd: Crowd, part: int) -> None:
    visitor = visit(crowd.customer)
    for text, order in list(zip(SHORT, crowd.orders, strict=True))[part::4]:
        for path in (f"/orders/{order['id']}", f"/services/{order['service']['id']}"):
            page = visitor.open(path)
            assert_harmless(page)
            assert_shown(page, text, order["service"]["title"], *LONG)
            assert " ".join(order["service"]["title"].split()) in page.title()
            visitor.check()


@pytest.mark.parametrize("text", [SHORT[1], SHORT[4], SHORT[11], SHORT[-1]])
def test_what_is_searched_for_comes_back_as_typed(visit: Visit, text: str) -> None:
    visitor = visit()
    for path in (f"/services?q={quote(text)}", f"/services?{urlencode(dict.fromkeys(FILTERS, text))}"):
        page = visitor.page
        page.goto(path)
        assert_harmless(page)
        if page.locator("#q").count():
            assert page.locator("#q").input_value() == text
    visitor.open(f"/sign-in?{urlencode({'next': text})}")
    assert_harmless(visitor.page)


@pytest.mark.xdist_group("browser forms")
def test_every_form_takes_every_text_and_shows_it_as_typed(visit: Visit, market: Market) -> None:
    scene = make_scene(market)
    scene.order(*PAID, Step("customer", "review", "A review that waits for its reply."))
    scene.wait_for_earnings()
    screen_data, wanted, filled = ScreenData(scene), typed_forms_of_the_site(), set[str]()
    for who in (CUSTOMER, PROVIDER, STAFF, VISITOR):
        visitor = visit(screen_data.people[who])
        for screen in (*ORDER_SCREENS, *SCREENS):
            if screen.who == who and wanted - filled:
                fill_every_form(visitor, screen_data.path(screen), filled)
    assert filled >= wanted, wanted - filled
