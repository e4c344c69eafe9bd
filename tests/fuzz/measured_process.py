"""`microtasks dev` that records what blocked its event loop.

What counts is the processor time of the loop's own thread within one callback: other processes of a busy
machine do not change it. The gateway, the site and the services share this loop, so it is theirs all.
"""

import os

from chassis.runtime.green import go_green
from tests.fuzz.blocking_log import BLOCKING_LOG

go_green("asyncio")

import asyncio  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

from cli.__main__ import main  # noqa: E402

LOGGED_SECONDS = 0.02


def measure(log: int) -> None:
    """Records each slow callback of any event loop as a line of an open file."""
    run = asyncio.Handle._run

    def measured(handle: Any) -> None:
        before = time.thread_time()
        run(handle)
        seconds = time.thread_time() - before
        if seconds >= LOGGED_SECONDS:
            line = {"seconds": round(seconds, 4), "callback": repr(handle)[:500]}
            os.write(log, json.dumps(line).encode() + b"\n")

    setattr(asyncio.Handle, "_run", measured)  # noqa: B010 - it is private, and has a type of its own


if __name__ == "__main__":
    gc.disable()  # a collection is the work of all requests before, not of the one that meets it
    measure(os.open(os.environ[BLOCKING_LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    main()
