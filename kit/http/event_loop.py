"""The event loop of the gateway's and the site's own processes: uvloop.

In `microtasks dev` both share one process with the services, on eventlet's hub over asyncio's own loop.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a process's main coroutine to its end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
