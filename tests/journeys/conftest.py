"""What journeys through restarts stand on."""

from collections.abc import Iterator

import pytest

from tests.support.stack import GATEWAY, Stack

# So long a busy machine may need to start a process: what is asked meanwhile waits in the queue.
DEADLINE_SECONDS = "30"


@pytest.fixture
def patient_stack(stack: Stack) -> Iterator[Stack]:
    """The stack, its gateway waiting for an answer longer than any start takes."""
    [gateway] = stack.of(GATEWAY)
    gateway.restart(RPC_DEADLINE_SECONDS=DEADLINE_SECONDS)
    yield stack
    gateway.restart()
