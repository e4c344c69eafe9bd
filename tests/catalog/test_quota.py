"""How many services an account may have, whatever is posted at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.errors import Conflict
from services.catalog.settings import CatalogSettings
from tests.catalog.market import Market


def refusal(market: Market) -> dict[str, object]:
    with pytest.raises(Conflict) as error:
        market.post()
    assert error.value.code == "quota_exceeded"
    return error.value.data


def test_an_archived_service_makes_room_for_another(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES_PER_ACCOUNT", "2")
    market.post(status="draft")
    second = market.post()
    assert refusal(market) == {"quota": "services_per_account", "limit": 2}
    assert market.post(market.bob)["provider"]["display_name"] == "Bob"
    market.archive(second)
    market.post()
    assert refusal(market) == {"quota": "services_per_account", "limit": 2}


def test_services_posted_at_the_same_moment_do_not_get_past_the_quota(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICES_PER_ACCOUNT", "3")

    def post(number: int) -> bool:
        try:
            market.post(title=f"Proofreading number {number}")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(post, range(16))) == 3


def test_the_default_is_that_of_the_domain() -> None:
    assert CatalogSettings().services_per_account == 200
