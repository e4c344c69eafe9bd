"""Probes that find out whether a service is running."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.upstream.availability import ServiceAvailability
from kit.errors import Unavailable


class BrokenConnection:
    """Fails with an unexpected error."""

    def channel(self, **_: Any) -> Any:
        raise KeyError("unforeseen")


class SlowToClose:
    """A channel of a slow broker: closing it takes longer than a probe may."""

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


def test_a_probe_never_interrupts_the_closing_of_its_channel() -> None:
    async def scenario() -> SlowToClose:
        availability, slow = ServiceAvailability("", timeout_seconds=0.1), SlowToClose()
        availability.on_connect(slow)  # type: ignore[arg-type]
        await availability.probe("orders")
        await asyncio.wait_for(slow.ended.wait(), 5)
        availability.on_disconnect()
        return slow

    assert not asyncio.run(scenario()).was_interrupted


def test_a_probe_that_fails_releases_its_callers_and_changes_nothing() -> None:
    async def scenario() -> None:
        availability = ServiceAvailability("", timeout_seconds=0.1)
        availability.on_connect(BrokenConnection())  # type: ignore[arg-type]
        await asyncio.wait_for(availability.probe("orders"), 2)
        availability.raise_if_unavailable("orders")
        availability.on_disconnect()

    asyncio.run(scenario())


def test_a_service_without_consumers_is_unavailable() -> None:
    async def scenario() -> None:
        availability, empty = ServiceAvailability("", timeout_seconds=1), SlowToClose(consumers=0)
        availability.on_connect(empty)  # type: ignore[arg-type]
        with pytest.raises(Unavailable):
            await asyncio.wait_for(availability.probe("orders"), 2)
        with pytest.raises(Unavailable):
            availability.raise_if_unavailable("orders")
        availability.on_disconnect()

    asyncio.run(scenario())
