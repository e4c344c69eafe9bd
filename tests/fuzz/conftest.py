"""A marketplace to be asked for too much."""

from collections.abc import Iterator

import pytest

from tests.fuzz.market import FullMarket


@pytest.fixture(scope="session")
def full_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullMarket]:
    """One for all these tests: filling it takes longer than most of them."""
    with FullMarket(tmp_path_factory.mktemp("full")) as market:
        yield market
