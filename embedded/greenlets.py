"""Runs blocking green functions for coroutines, which must not block the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import eventlet
from eventlet.greenthread import GreenThread

T = TypeVar("T")


async def in_greenlet(function: Callable[..., T], *arguments: object) -> T:
    """Runs `function` in a new greenlet; returns its result or raises its exception."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def settle(greenlet: GreenThread) -> None:
        if done.done():
            return
        try:
            done.set_result(greenlet.wait())
        except BaseException as error:
            done.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    eventlet.spawn(function, *arguments).link(settle)
    return await done
