"""From asyncio to greenlets: coroutines run where nothing may block, so green work goes elsewhere."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import eventlet
from eventlet.greenthread import GreenThread

T = TypeVar("T")


async def in_greenlet(act: Callable[..., T], *arguments: object) -> T:
    """Runs `act` in a greenlet of its own; its result or what it raised."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def settle(greenlet: GreenThread) -> None:
        if done.done():
            return
        try:
            done.set_result(greenlet.wait())
        except BaseException as error:
            done.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    eventlet.spawn(act, *arguments).link(settle)
    return await done
