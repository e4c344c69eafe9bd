import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.upstream.availability import Presence
from kit.errors import Unavailable


class BrokenConnection:
    """Fails in a way nobody has thought of."""

    def channel(self, **_: Any) -> Any:
        raise KeyError("unforeseen")


class SlowToClose:
    """A channel of a broker that is slow: closing it lasts longer than a look may."""

    def __init__(self, consumers: int = 1) -> None:
        self._consumers = consumers
        self.ended = asyncio.Event()
        self.was_interrupted = False

    async def channel(self, **_: Any) -> Any:
        return self

    async def declare_queue(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(declaration_result=SimpleNamespace(consumer_count=self._consumers))

    async def close(self) -> None:
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            self.was_interrupted = True
            raise
        finally:
            self.ended.set()


def test_a_look_never_interrupts_the_closing_of_its_channel_since_that_costs_the_connection() -> None:
    async def look() -> SlowToClose:
        presence, slow = Presence("", timeout_seconds=0.1), SlowToClose()
        presence.use(slow)  # type: ignore[arg-type]
        await presence.look("orders")
        await asyncio.wait_for(slow.ended.wait(), 5)
        presence.let_go()
        return slow

    assert not asyncio.run(look()).was_interrupted


def test_a_look_that_fails_keeps_no_caller_waiting_and_changes_nothing() -> None:
    async def look() -> None:
        presence = Presence("", timeout_seconds=0.1)
        presence.use(BrokenConnection())  # type: ignore[arg-type]
        await asyncio.wait_for(presence.look("orders"), 2)
        presence.check("orders")
        presence.let_go()

    asyncio.run(look())


def test_a_service_without_consumers_is_away_until_it_has_one_again() -> None:
    async def look() -> None:
        presence, empty = Presence("", timeout_seconds=1), SlowToClose(consumers=0)
        presence.use(empty)  # type: ignore[arg-type]
        with pytest.raises(Unavailable):
            await asyncio.wait_for(presence.look("orders"), 2)
        with pytest.raises(Unavailable):
            presence.check("orders")
        presence.let_go()

    asyncio.run(look())
