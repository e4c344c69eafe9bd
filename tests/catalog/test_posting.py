from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound, Stale, Unauthenticated
from services.catalog import contract
from tests.catalog.market import LISTING, Market
from tests.support.service_harness import person

NOWHERE = {"id": "01900000-0000-7000-8000-000000000001", "version": 1}


def announced(market: Market) -> list[tuple[str, int]]:
    """The services that were said to have changed, and to which version."""
    return [(e["service_id"], e["service_version"]) for e in market.harness.events("service_changed")]


def test_a_posted_service_is_what_was_typed_and_belongs_to_the_caller(market: Market) -> None:
    posted = market.post()
    assert contract.Service().validate(posted) == {}
    assert {name: posted[name] for name in LISTING} == LISTING
    assert posted["status"] == "active"
    assert posted["version"] == 1
    assert posted["provider"] == {"id": market.ada.id, "display_name": "Ada"}
    assert posted["rating"] == {"average": None, "count": 0}
    assert posted["created_at"] == posted["updated_at"]
    assert market.get(posted) == posted


def test_each_edit_publishes_the_offer_that_it_makes(market: Market) -> None:
    service = market.post()
    for changes in ({"price": {"amount": 9900, "currency": "EUR"}}, {"status": "paused"}, {"revisions": 2}):
        service = market.change(service, **changes)
        last = market.harness.events("service_changed")[-1]
        assert last["offer"] == market.call(None, contract.GET_OFFER, service_id=service["id"])
        assert last["offer"]["service_version"] == last["service_version"] == service["version"]
    market.archive(service)
    assert market.harness.events("service_changed")[-1]["offer"]["status"] == "archived"


def test_a_draft_is_published_without_its_offer(market: Market) -> None:
    active = market.post()
    market.archive(market.change(active, status="draft"))
    offers = [event["offer"] for event in market.harness.events("service_changed")]
    assert [offer and offer["status"] for offer in offers] == ["active", None, None]


def test_a_draft_is_posted_on_request(market: Market) -> None:
    assert market.post(status="draft")["status"] == "draft"


def test_posting_needs_an_account(market: Market) -> None:
    with pytest.raises(Unauthenticated):
        market.call(None, contract.POST_SERVICE, **LISTING)


@pytest.mark.parametrize("category", ["", "no-such", "Writing", "'; --"])
def test_the_category_must_exist(market: Market, category: str) -> None:
    posted = market.post()
    for attempt in (partial(market.post), partial(market.change, posted)):
        with pytest.raises(Invalid) as refused:
            attempt(category=category)
        assert refused.value.data["errors"][0]["field"] == "category"
    assert market.every() == [posted["id"]]
    assert market.get(posted)["version"] == 1
    assert len(announced(market)) == 1


def test_the_same_key_posts_one_service(market: Market) -> None:
    first = market.call(market.ada, contract.POST_SERVICE, key="k", **LISTING)
    assert market.call(market.ada, contract.POST_SERVICE, key="k", **LISTING) == first
    assert market.every() == [first["id"]]
    assert announced(market) == [(first["id"], 1)]


def test_a_change_changes_only_what_it_names(market: Market) -> None:
    posted = market.post()
    changed = market.change(
        posted, title="Proofreading of long texts", price={"amount": 9900, "currency": "USD"}
    )
    assert changed == {
        **posted,
        "title": "Proofreading of long texts",
        "price": {"amount": 9900, "currency": "USD"},
        "updated_at": changed["updated_at"],
        "version": 2,
    }
    assert changed["updated_at"] > posted["updated_at"]
    assert market.get(posted) == changed


def test_every_field_can_be_changed(market: Market) -> None:
    other: dict[str, Any] = {
        "title": "Translation into Finnish",
        "description": "Native speaker, ten years of practice.",
        "category": "translation",
        "price": {"amount": 1, "currency": "JPY"},
        "delivery_days": 90,
        "revisions": 0,
        "status": "paused",
    }
    changed = market.change(market.post(), **other)
    assert {name: changed[name] for name in other} == other


def test_a_change_of_nothing_changes_nothing(market: Market) -> None:
    posted = market.post()
    assert market.change(posted) == posted
    assert len(announced(market)) == 1


def test_a_change_of_an_older_version_is_stale(market: Market) -> None:
    posted = market.post()
    market.change(posted, revisions=2)
    with pytest.raises(Stale):
        market.change(posted, revisions=3)
    assert market.get(posted)["revisions"] == 2


def test_no_expected_version_means_whichever_is_current(market: Market) -> None:
    posted = market.post()
    market.call(
        market.ada, contract.CHANGE_SERVICE, service_id=posted["id"], expected_version=None, revisions=4
    )
    market.call(market.ada, contract.CHANGE_SERVICE, service_id=posted["id"], revisions=5)
    assert market.get(posted)["version"] == 3


@pytest.mark.parametrize("status", ["draft", "active", "paused"])
@pytest.mark.parametrize("next_status", ["draft", "active", "paused"])
def test_the_owner_moves_a_service_between_draft_active_and_paused(
    market: Market, status: str, next_status: str
) -> None:
    service = market.change(market.post(), status=status)
    assert market.change(service, status=next_status)["status"] == next_status


def test_a_repeated_change_is_answered_as_before(market: Market) -> None:
    posted = market.post()
    first = market.change(posted, revisions=2, key="k")
    assert market.change(posted, revisions=2, key="k") == first
    assert market.harness.replayed
    assert market.get(posted)["version"] == 2


def test_others_may_not_change_or_archive_a_service(market: Market) -> None:
    posted = market.post()
    for act in (market.change, market.archive):
        for staff in (market.bob, person("Sue", "staff")):
            with pytest.raises(Forbidden):
                act(posted, staff, version=99)
    assert market.get(posted) == posted


def test_others_do_not_even_find_a_draft(market: Market) -> None:
    draft = market.post(status="draft")
    for act in (market.change, market.archive):
        for missing in (draft, NOWHERE, {"id": "not-an-id", "version": 1}):
            with pytest.raises(NotFound) as refused:
                act(missing, market.bob)
            assert refused.value.detail == "There is no such service."


def test_changing_and_archiving_need_an_account(market: Market) -> None:
    service_id = market.post()["id"]
    for method in (contract.CHANGE_SERVICE, contract.ARCHIVE_SERVICE):
        with pytest.raises(Unauthenticated):
            market.call(None, method, service_id=service_id)


def test_an_archived_service_is_seen_but_never_changed_again(market: Market) -> None:
    posted = market.post()
    assert market.archive(posted) is None
    archived = market.get(posted)
    assert (archived["status"], archived["version"]) == ("archived", 2)
    assert market.every() == []
    with pytest.raises(Conflict) as refused:
        market.change(archived, status="active")
    assert refused.value.code == "service_archived"


def test_archiving_an_older_version_is_stale(market: Market) -> None:
    posted = market.post()
    market.change(posted, revisions=2)
    with pytest.raises(Stale):
        market.archive(posted)
    assert market.get(posted)["status"] == "active"


def test_archiving_twice_is_archiving_once(market: Market) -> None:
    posted = market.post()
    market.archive(posted, key="k")
    market.archive(posted, key="k")
    market.archive(market.get(posted))
    assert market.get(posted)["version"] == 2
    assert announced(market) == [(posted["id"], 1), (posted["id"], 2)]


def test_a_draft_stays_hidden_when_it_is_archived(market: Market) -> None:
    draft = market.post(status="draft")
    market.archive(draft)
    assert market.get(draft, market.ada)["status"] == "archived"
    with pytest.raises(NotFound):
        market.get(draft, market.bob)


def test_every_act_is_announced_once(market: Market) -> None:
    posted = market.post()
    paused = market.change(posted, status="paused")
    market.archive(paused)
    assert announced(market) == [(posted["id"], 1), (posted["id"], 2), (posted["id"], 3)]
    assert {e["provider_id"] for e in market.harness.events()} == {market.ada.id}


def test_a_refused_act_is_not_announced(market: Market) -> None:
    posted = market.post()
    with pytest.raises(Forbidden):
        market.change(posted, market.bob, title="Mine now, all of it")
    assert len(announced(market)) == 1


def test_of_two_racing_edits_of_one_version_exactly_one_wins(market: Market) -> None:
    for _ in range(10):
        posted = market.post()

        def edit(revisions: int, service: dict[str, Any] = posted) -> bool:
            try:
                market.change(service, revisions=revisions)
            except Stale:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(edit, range(2, 6)))
        assert won.count(True) == 1
        found = market.get(posted)
        assert (found["version"], found["revisions"]) == (2, 2 + won.index(True))


def test_of_an_edit_and_an_archiving_of_one_version_exactly_one_wins(market: Market) -> None:
    for _ in range(10):
        posted = market.post()
        acts = (lambda p: market.change(p, revisions=9), market.archive)

        def wins(act: Any, service: dict[str, Any] = posted) -> bool:
            try:
                act(service)
            except Stale:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(wins, acts)).count(True) == 1
        assert market.get(posted)["version"] == 2


def test_duplicates_with_one_key_post_one_service(market: Market) -> None:
    def post(_: int) -> str:
        posted = market.call(market.ada, contract.POST_SERVICE, key="duplicate", **LISTING)
        return str(posted["id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(post, range(4)))) == 1
    assert len(market.every()) == 1


def test_a_mutation_is_a_few_statements_in_one_transaction(market: Market) -> None:
    posted = market.post()
    assert len(market.harness.statements) == 5  # the quota is one more
    changed = market.change(posted, revisions=2)
    assert len(market.harness.statements) == 4
    market.archive(changed)
    assert len(market.harness.statements) == 4


def test_a_service_says_what_its_provider_may_do_whoever_reads_it(market: Market) -> None:
    posted = market.post()
    assert posted["available_actions"] == ["edit", "pause", "archive"]
    assert posted["orderable"]
    paused = market.change(posted, status="paused")
    for reader in (None, market.ada, market.bob):
        seen = market.get(paused, reader)
        assert seen["available_actions"] == ["edit", "resume", "archive"]
        assert not seen["orderable"]
