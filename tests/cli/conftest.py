import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _logs_again() -> Iterator[None]:
    """Commands switch logs off for their process; here other tests of the same process follow."""
    yield
    logging.disable(logging.NOTSET)
