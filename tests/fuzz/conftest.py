"""A marketplace with the largest lists and texts that it allows."""

from collections.abc import Iterator

import pytest

from tests.fuzz.market import FullMarket


@pytest.fixture(scope="session")
def full_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullMarket]:
    """One for all these tests, because filling it takes longer than most of them."""
    with FullMarket(tmp_path_factory.mktemp("full")) as market:
        yield market
