from dataclasses import dataclass

import pytest

from kit.errors import Conflict, Forbidden, NotFound, Stale
from services.catalog import contract
from services.catalog.access import (
    available_actions,
    is_orderable,
    is_public,
    require_current_version,
    require_not_archived,
    require_owner,
)
from services.catalog.contract import STATUSES


@dataclass
class Listing:
    provider_id: str = "ada"
    status: str = "active"
    public: bool = True
    version: int = 3


def test_only_a_draft_is_not_public() -> None:
    assert [is_public(status) for status in ("draft", "active", "paused")] == [False, True, True]


def test_the_owner_may_touch_a_service_in_every_status() -> None:
    draft = Listing(status="draft", public=False)
    assert require_owner(draft, "ada") is draft


def test_others_are_forbidden_to_touch_what_they_see() -> None:
    with pytest.raises(Forbidden):
        require_owner(Listing(), "bob")


@pytest.mark.parametrize("listing", [None, Listing(status="draft", public=False)])
def test_others_do_not_find_what_they_must_not_see(listing: Listing | None) -> None:
    with pytest.raises(NotFound):
        require_owner(listing, "bob")


def test_an_edit_of_a_version_that_is_gone_is_stale() -> None:
    with pytest.raises(Stale):
        require_current_version(Listing(version=3), 2)


@pytest.mark.parametrize("expected", [3, None])
def test_the_current_version_or_none_may_be_expected(expected: int | None) -> None:
    require_current_version(Listing(version=3), expected)


def test_an_archived_service_can_no_longer_be_changed() -> None:
    with pytest.raises(Conflict) as refused:
        require_not_archived(Listing(status="archived"))
    assert refused.value.code == "service_archived"


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_but_archived_can_be_edited_and_archived(status: str) -> None:
    actions = available_actions(status)
    assert ({"edit", "archive"} <= set(actions)) == (status != "archived")
    assert set(actions) <= set(contract.ACTIONS)


def test_the_status_changes_by_one_named_action() -> None:
    changing = {status: set(available_actions(status)) - {"edit", "archive"} for status in STATUSES}
    assert changing == {"draft": {"publish"}, "active": {"pause"}, "paused": {"resume"}, "archived": set()}


def test_only_an_active_service_is_orderable() -> None:
    assert [status for status in STATUSES if is_orderable(status)] == ["active"]
