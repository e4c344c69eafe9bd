import threading
from typing import Any

import pytest
import sqlalchemy as sa

from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from services.catalog import contract
from services.reviews.contract import RATING_CHANGED
from tests.catalog.market import LISTING, Market


def renamed(market: Market, name: str, version: int) -> dict[str, Any]:
    """Ada's account says her name."""
    contract = ACCOUNT_REGISTERED if version == 1 else ACCOUNT_UPDATED
    return market.harness.deliver(
        contract, account_id=market.ada.id, display_name=name, account_version=version
    )


def rated(
    market: Market, service: dict[str, Any], version: int, *stars: int, subject: str = "service"
) -> dict[str, Any]:
    """Reviews says what all stars of a service are."""
    average = round(sum(stars) / len(stars), 2) if stars else None
    return market.harness.deliver(
        RATING_CHANGED,
        subject=subject,
        subject_id=service["id"],
        rating_version=version,
        count=len(stars),
        stars_total=sum(stars),
        average=average,
    )


def announcements(market: Market) -> int:
    """How often a service was said to have changed."""
    return len(market.harness.events("service_changed"))


def test_a_rating_shows_on_the_service_and_is_no_edit(market: Market) -> None:
    posted = market.post()
    rated(market, posted, 1, 5, 4, 4)
    assert market.get(posted) == {**posted, "rating": {"average": 4.33, "count": 3}}
    assert contract.Service().validate(market.get(posted)) == {}
    assert market.every(min_rating=4.3) == [posted["id"]]
    last = market.harness.events("service_changed")[-1]
    assert (last["service_id"], last["provider_id"], last["service_version"]) == (
        posted["id"],
        market.ada.id,
        1,
    )
    assert last["offer"] == market.call(None, contract.GET_OFFER, service_id=posted["id"])


def test_a_rating_does_not_make_a_version_stale(market: Market) -> None:
    posted = market.post()
    rated(market, posted, 1, 5)
    assert market.change(posted, revisions=2)["version"] == 2


def test_a_rating_delivered_twice_is_applied_once(market: Market) -> None:
    posted = market.post()
    event = rated(market, posted, 1, 5)
    market.harness.deliver(RATING_CHANGED, event)
    assert announcements(market) == 2


def test_an_older_rating_that_comes_late_changes_nothing(market: Market) -> None:
    posted = market.post()
    rated(market, posted, 3, 5, 5, 2)
    rated(market, posted, 2, 5, 5)
    rated(market, posted, 3, 1)
    assert market.get(posted)["rating"] == {"average": 4.0, "count": 3}
    assert announcements(market) == 2


def test_a_rating_can_fall_back_to_none(market: Market) -> None:
    posted = market.post()
    rated(market, posted, 1, 1)
    rated(market, posted, 2)
    assert market.get(posted)["rating"] == {"average": None, "count": 0}


def test_ratings_of_providers_and_of_unknown_services_are_let_pass(market: Market) -> None:
    posted = market.post()
    rated(market, {"id": market.ada.id}, 1, 5, subject="provider")
    rated(market, posted, 1, 5, subject="provider")
    rated(market, {"id": market.bob.id}, 1, 5)
    assert market.get(posted) == posted
    assert announcements(market) == 1
    assert market.harness.failed_events() == []


def test_a_new_name_shows_on_all_services_of_its_owner_and_is_no_edit(market: Market) -> None:
    posted = [market.post(), market.post(status="draft")]
    other = market.post(market.bob)
    renamed(market, "Ada King", 2)
    for service in posted:
        provider = {"id": market.ada.id, "display_name": "Ada King"}
        assert market.get(service, market.ada) == {**service, "provider": provider}
    assert market.get(other) == other
    told = market.harness.events("service_changed")[3:]
    assert {(e["service_id"], e["service_version"]) for e in told} == {(s["id"], 1) for s in posted}
    assert market.every(q="king") == [posted[0]["id"]]


def test_a_name_delivered_twice_is_announced_once(market: Market) -> None:
    market.post()
    event = renamed(market, "Ada King", 2)
    market.harness.deliver(ACCOUNT_UPDATED, event)
    renamed(market, "Ada King", 3)
    assert announcements(market) == 2


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_the_newest_name_stays_whatever_the_order_of_arrival(market: Market, order: tuple[int, ...]) -> None:
    posted = market.post()
    for version in order:
        renamed(market, f"Ada {version}", version)
    assert market.get(posted)["provider"]["display_name"] == "Ada 3"


def test_an_older_token_does_not_bring_back_an_older_name(market: Market) -> None:
    renamed(market, "Ada King", 2)
    assert market.post()["provider"]["display_name"] == "Ada King"


def test_a_name_known_from_a_token_gives_way_to_what_accounts_says(market: Market) -> None:
    posted = market.post()
    renamed(market, "Ada Registered", 1)
    assert market.get(posted)["provider"]["display_name"] == "Ada Registered"
    assert market.post()["provider"]["display_name"] == "Ada Registered"


def test_a_change_keeps_the_name(market: Market) -> None:
    posted = market.post()
    renamed(market, "Ada King", 2)
    assert market.change(posted, revisions=2)["provider"]["display_name"] == "Ada King"


def test_a_service_posted_while_the_name_changes_ends_with_the_new_name(market: Market) -> None:
    posted = market.post()
    with market.harness.engine.connect() as posting, posting.begin():
        # Another post of Ada's, stopped just before its commit: it holds her row and the old name.
        posting.execute(
            sa.text("SELECT 1 FROM providers WHERE id = CAST(:id AS uuid) FOR UPDATE"), {"id": market.ada.id}
        )
        event = threading.Thread(target=renamed, args=(market, "Ada King", 2))
        event.start()
        copy = sa.text(
            "INSERT INTO services (id, provider_id, provider_name, title, description, category, price_minor,"
            " currency, delivery_days, revisions, status, public) SELECT gen_random_uuid(), provider_id,"
            " provider_name, title, description, category, price_minor, currency, delivery_days, revisions,"
            " status, public FROM services RETURNING id::text"
        )
        late = posting.execute(copy).scalar_one()
        event.join(0.3)
        assert event.is_alive()
    event.join(5)
    for service in (posted, {"id": late}):
        assert market.get(service)["provider"]["display_name"] == "Ada King"


def test_a_name_arriving_while_posting_ends_with_the_new_name(market: Market) -> None:
    for _ in range(10):
        market.harness.execute("TRUNCATE services, providers")
        event = threading.Thread(target=renamed, args=(market, "Ada King", 2))
        event.start()
        posted = market.call(market.ada, contract.POST_SERVICE, **LISTING)
        event.join(5)
        assert market.get(posted)["provider"]["display_name"] == "Ada King"


def test_many_services_are_renamed_in_a_few_statements(market: Market) -> None:
    for _ in range(30):
        market.post()
    renamed(market, "Ada King", 2)
    assert len(market.harness.statements) == 4
    assert announcements(market) == 60
