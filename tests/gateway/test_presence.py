import asyncio
from typing import Any

import pytest

from chassis.errors import Unavailable
from gateway.presence import Presence


class BrokenConnection:
    """Fails in a way nobody has thought of."""

    def channel(self, **_: Any) -> Any:
        raise KeyError("unforeseen")


def test_a_look_that_fails_in_an_unforeseen_way_keeps_no_caller_waiting() -> None:
    async def look() -> None:
        presence = Presence("", timeout_seconds=0.1)
        presence.use(BrokenConnection())  # type: ignore[arg-type]
        with pytest.raises(Unavailable):
            await asyncio.wait_for(presence.look("orders"), 2)
        presence.let_go()

    asyncio.run(look())
