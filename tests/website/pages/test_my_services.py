"""Offering services on the site: posting, editing, pausing; earnings, payouts and profiles."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from client.resources import Order, Service
from tests.website.support.market import Market, Person
from tests.website.support.site_client import SiteClient

NEW = "/dashboard/services/new"
TYPED = {
    "title": "Proofreading of a page",
    "description": "A page of text, read twice, with every slip marked.",
    "category": "writing",
    "price": "45,50",
    "currency": "EUR",
    "delivery_days": "3",
    "revisions": "2",
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with Market(tmp_path_factory.mktemp("offering")) as market:
        yield market


@pytest.fixture
def provider(market: Market) -> Person:
    return market.person("Petra Provider")


def offered(market: Market, person: Person, **differences: Any) -> Service:
    offer = {
        "title": "A hand-drawn logo",
        "description": "A logo for your shop, drawn by hand.",
        "category": "design",
        "price": {"amount": 4500, "currency": "EUR"},
        "delivery_days": 3,
        "revisions": 1,
    }
    return market.ask(person.api.post_service(**{**offer, **differences}))


def sold(market: Market, provider: Person, service: Service, stars: int | None = None) -> Order:
    """A paid order of a service by somebody new, reviewed if they gave stars."""
    customer = market.person("Cleo Customer")

    async def sell() -> Order:
        order = await customer.api.submit_order(service["id"], "As described.")
        for person, transition in ((provider, "approve"), (provider, "complete_work"), (customer, "confirm")):
            order = await person.api.transition(order["id"], transition)
        await asyncio.sleep(0)
        await customer.api.pay_order(order["id"], "sandbox_ok")
        if stars is not None:
            await customer.api.submit_review(order["id"], stars, "Said of it.")
        return order

    return market.ask(sell())


# --- the list ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense", "cursor=%00", "category=unknown", "currency=XXX", "min_price=abc",
        "min_price=5", "max_price=99999999999999999&currency=EUR", "min_rating=6", "min_rating=nan",
        "sort=price", "sort=x", "provider_id=42", "provider_id=" + "0" * 36, "q=" + "%F0%9F%98%80" * 150,
        "q=%00", "q=%22%3E%3Cb%3E", "unknown=1&q=a", "category=" + "x" * 300,
    ],
)  # fmt: skip
def test_whatever_the_list_is_asked_it_answers(market: Market, query: str) -> None:
    sheet = SiteClient(market).open(f"/services?{query}")
    assert sheet.status == 200
    assert ">Results</h2>" in sheet.html
    assert "<b>" not in sheet.html


def test_pages_keep_the_filters_and_chips_take_one_away(market: Market, provider: Person) -> None:
    for _ in range(25):
        offered(market, provider, category="events")
    page = f"/services?category=events&currency=EUR&min_price=40&provider_id={provider.id}&sort=price"
    first = SiteClient(market).open(page)
    assert "24 on this page, more on the next" in first.html
    after = next(part for part in first.html.split('href="') if "cursor=" in part).split('"')[0]
    second = SiteClient(market).open(after.replace("&amp;", "&"))
    assert second.html.count('class="card service"') == 1
    assert "min_price=40" in second.html
    assert "From €40.00" in second.html
    chips = [part.split('"')[1] for part in first.html.split('class="chip on" href=')[1:]]
    for narrowed in ("category=events", "currency=EUR", f"provider_id={provider.id}"):
        assert len([chip for chip in chips if narrowed not in chip]) == 1
    without_price = [chip for chip in chips if "min_price=40" not in chip]
    assert len(without_price) == 2  # its own, and the currency's: without it no price means anything


# --- a service --------------------------------------------------------------------------------


def test_a_service_is_posted_as_it_was_typed(market: Market, provider: Person) -> None:
    client = SiteClient(market, provider)
    shown = client.fill(NEW, NEW, **TYPED, save="publish")
    assert shown.status == 200
    assert "Your service is published" in shown.html
    (service,) = market.ask(provider.api.own_services())["data"]
    assert (service["status"], service["price"]) == ("active", {"amount": 4550, "currency": "EUR"})
    assert (service["delivery_days"], service["revisions"]) == (3, 2)


@pytest.mark.parametrize(("price", "currency", "minor"), [("4500", "JPY", 4500), ("1.25", "KWD", 1250)])
def test_a_price_has_the_decimals_of_its_currency(
    market: Market, provider: Person, price: str, currency: str, minor: int
) -> None:
    SiteClient(market, provider).fill(NEW, NEW, **{**TYPED, "price": price, "currency": currency})
    (service,) = market.ask(provider.api.own_services())["data"]
    assert service["price"] == {"amount": minor, "currency": currency}


def test_all_that_is_wrong_is_said_at_once_and_nothing_typed_is_lost(
    market: Market, provider: Person
) -> None:
    wrong = {
        "title": "Abc", "description": "Too <b>short", "category": "", "price": "12.345", "currency": "EUR",
        "delivery_days": "91", "revisions": "many",
    }  # fmt: skip
    sheet = SiteClient(market, provider).fill(NEW, NEW, **wrong)
    assert sheet.status == 422
    kept = sheet.values_of(NEW)
    assert {name: kept[name] for name in wrong if name != "category"} == {
        name: value for name, value in wrong.items() if name != "category"
    }
    for name in ("title", "description", "category", "price", "delivery_days", "revisions"):
        assert f'id="{name}-error"' in sheet.html
    assert market.ask(provider.api.own_services())["data"] == []


def test_a_form_sent_twice_posts_one_service(market: Market, provider: Person) -> None:
    client = SiteClient(market, provider)
    sent = {**client.open(NEW).values_of(NEW), **TYPED}
    assert client.post(NEW, sent).path == client.post(NEW, sent).path
    assert len(market.ask(provider.api.own_services())["data"]) == 1


def test_a_draft_is_published_paused_made_active_and_archived(market: Market, provider: Person) -> None:
    client = SiteClient(market, provider)
    client.fill(NEW, NEW, **TYPED, save="draft")
    (draft,) = market.ask(provider.api.own_services())["data"]
    assert draft["status"] == "draft"
    assert SiteClient(market).open(f"/services/{draft['id']}").status == 404
    place = f"/dashboard/services/{draft['id']}"
    for action, status in (
        ("publish", "active"), ("pause", "paused"), ("pause", "paused"), ("resume", "active"),
        ("archive", "archived"), ("archive", "archived"), ("resume", "archived"),
    ):  # fmt: skip
        sheet = client.post(f"{place}/{action}", {})
        assert (sheet.status, sheet.path) == (200, "/dashboard/services")
        (service,) = market.ask(provider.api.own_services())["data"]
        assert service["status"] == status
    assert "This service is archived, and stays so." in sheet.html
    assert draft["title"] in client.open("/dashboard/services?status=archived").html
    assert draft["title"] not in client.open("/dashboard/services?status=active").html
    assert "archived for good" in client.open(place).html


def test_an_action_leads_back_to_where_it_was_taken_and_nowhere_else(
    market: Market, provider: Person
) -> None:
    service = offered(market, provider)
    client, page = SiteClient(market, provider), f"/services/{service['id']}"
    assert client.fill(page, f"/dashboard{page}/pause").path == page
    assert client.post(f"/dashboard{page}/resume", {"_next": "//evil.example/"}).path == "/dashboard/services"


def test_a_stale_form_shows_both_and_saves_when_it_is_sent_again(market: Market, provider: Person) -> None:
    service = offered(market, provider)
    client, place = SiteClient(market, provider), f"/dashboard/services/{service['id']}"
    form = client.open(place).values_of(place)
    market.ask(provider.api.change_service(service, title="Changed in another window"))
    stale = client.post(place, {**form, "title": "What I typed here", "price": "50"})
    assert stale.status == 422
    assert "changed meanwhile" in stale.html
    assert "Changed in another window" in stale.html
    again = stale.values_of(place)
    assert (again["title"], again["price"]) == ("What I typed here", "50")
    assert "Your changes are saved." in client.post(place, again).html
    now = market.ask(provider.api.service(service["id"]))
    assert (now["title"], now["price"]["amount"]) == ("What I typed here", 5000)


def test_nobody_edits_what_is_somebody_elses(market: Market, provider: Person) -> None:
    service = offered(market, provider)
    stranger = SiteClient(market, market.person("Sid Stranger"))
    place = f"/dashboard/services/{service['id']}"
    assert stranger.open(place).status == 404
    assert stranger.post(place, TYPED).status == 404
    assert stranger.post(f"{place}/archive", {}).status == 404
    assert market.ask(provider.api.service(service["id"]))["status"] == "active"
    assert SiteClient(market).open(place).path.startswith("/sign-in")


# --- dashboard --------------------------------------------------------------------------------


def test_somebody_who_offers_nothing_is_invited(market: Market, provider: Person) -> None:
    html = SiteClient(market, provider).open("/dashboard").html
    assert "Post a service" in html
    for region in ("dashboard-orders", "dashboard-earnings"):
        assert f'id="{region}" data-region' in html


def test_the_dashboard_shows_what_waits_first(market: Market, provider: Person) -> None:
    service = offered(market, provider)
    customer = market.person("Cleo Customer")
    waiting = market.ask(customer.api.submit_order(service["id"], "One."))
    order = market.ask(customer.api.submit_order(service["id"], "Two."))
    market.ask(provider.api.transition(order["id"], "approve"))
    html = SiteClient(market, provider).open("/dashboard").html
    places = [html.index(part) for part in ("Waiting for your answer", waiting["id"], "Work in progress")]
    assert places == sorted(places)
    assert html.index(order["id"]) > places[-1]


def test_earnings_are_drawn_listed_and_paid_out_once(market: Market, provider: Person) -> None:
    sold(market, provider, offered(market, provider))
    client = SiteClient(market, provider)
    wait_for_available(market, provider)
    page = client.open("/dashboard")
    assert "Earned per month in EUR" in page.html
    assert "€40.50" in page.html
    sent = {**page.values_of("/dashboard/payouts"), "currency": "EUR"}
    refused = client.post("/dashboard/payouts", {**sent, "amount": "40.51"})
    assert refused.status == 422
    assert "You can have up to €40.50 paid out." in refused.html
    assert refused.values_of("/dashboard/payouts")["amount"] == "40.51"
    assert client.post("/dashboard/payouts", {**sent, "amount": "x"}).status == 422
    for _ in range(2):
        assert "You asked for a payout." in client.post("/dashboard/payouts", {**sent, "amount": "30"}).html
    (payout,) = market.ask(provider.api.payouts())["data"]
    assert payout["amount"] == {"amount": 3000, "currency": "EUR"}


def wait_for_available(market: Market, provider: Person) -> None:
    async def wait() -> None:
        for _ in range(200):
            if any(money["amount"] > 0 for money in (await provider.api.balance())["available"]):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the share never became available")

    market.ask(wait())


def test_statements_are_passed_on_and_transactions_have_pages(market: Market, provider: Person) -> None:
    order = sold(market, provider, offered(market, provider))
    client = SiteClient(market, provider)
    month = order["created_at"][:7]
    statement = client.open(f"/dashboard/statements/{month}")
    assert "Petra Provider" in statement.html
    assert "unsafe-inline" not in statement.headers["Content-Security-Policy"]
    pdf = client.open(f"/dashboard/statements/{month}.pdf")
    assert (pdf.headers["Content-Type"], pdf.html[:5]) == ("application/pdf", "%PDF-")
    assert client.open("/dashboard/statements/2026-13").status == 404
    assert order["number"] in client.open("/dashboard/transactions").html
    assert client.open("/dashboard/transactions?cursor=nonsense").path == "/dashboard/transactions"


# --- reviews ----------------------------------------------------------------------------------


def test_a_services_page_shows_its_own_stars_and_reviews(market: Market, provider: Person) -> None:
    service, other = offered(market, provider), offered(market, provider, title="Another service")
    for stars in (5, 5, 2):
        sold(market, provider, service, stars)
    sold(market, provider, other, 1)
    rating = market.ask(provider.api.service_rating(service["id"]))
    assert rating == {"average": 4.0, "count": 3, "stars": {"1": 0, "2": 1, "3": 0, "4": 0, "5": 2}}
    html = SiteClient(market).open(f"/services/{service['id']}").html
    assert html.count('class="review"') == 3
    assert '<meter min="0" max="100" value="67" aria-label="5 stars">' in html
    shown = SiteClient(market).open(f"/profiles/{provider.id}?service_id={service['id']}").html
    assert shown.count('class="review"') == 3
    assert SiteClient(market).open(f"/profiles/{provider.id}").html.count('class="review"') == 4
    assert SiteClient(market).open(f"/profiles/{provider.id}?service_id=x&cursor=y").status == 200


def test_the_provider_replies_once(market: Market, provider: Person) -> None:
    service = offered(market, provider)
    sold(market, provider, service, 4)
    (review,) = market.ask(provider.api.profile_reviews(provider.id))["data"]
    place = f"/profiles/{provider.id}"
    action = f"{place}/reviews/{review['id']}/reply"
    assert action not in SiteClient(market).open(place).html
    client = SiteClient(market, provider)
    empty = client.fill(place, action, text="  ")
    assert (empty.status, f'id="error-{review["id"]}"' in empty.html) == (422, True)
    done = client.fill(place, action, text="Thank you <i>very</i> much")
    assert "Your reply is published." in done.html
    assert "Thank you &lt;i&gt;very&lt;/i&gt; much" in done.html
    assert action not in done.html
    assert SiteClient(market, market.person("Sid")).post(action, {"text": "Me too"}).status in (403, 404)


def test_an_unknown_profile_is_not_found(market: Market) -> None:
    for account_id in (str(uuid4()), "42", "x" * 300):
        assert SiteClient(market).open(f"/profiles/{account_id}").status == 404
