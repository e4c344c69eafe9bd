"""A green process, as a service runs in, that hashes passwords; prints what it saw as JSON.

Run by test_worker_threads.py in a process of its own, because patching cannot be undone.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

from eventlet.patcher import original  # noqa: E402

from chassis.runtime.runner import make_container  # noqa: E402
from chassis.runtime.settings_provider import SettingsProvider  # noqa: E402
from kit.errors import Unavailable  # noqa: E402
from kit.settings import Settings, load  # noqa: E402
from services.accounts.credentials import passwords  # noqa: E402
from services.accounts.service import AccountsService, WorkerThreads  # noqa: E402
from services.accounts.settings import AccountSettings  # noqa: E402

HASHERS = 2


def run_in_thread(seconds_left: float | None) -> Any:
    """What a call that still has so much time is given; None for work that nobody waits for."""
    call = None if seconds_left is None else SimpleNamespace(remaining_seconds=lambda: seconds_left)
    return PROVIDER.get_dependency(SimpleNamespace(data={"call": call}))


def beat(gaps: list[float]) -> None:
    """Notes how long the green loop was away between two beats of 5 ms."""
    while True:
        began = time.monotonic()
        eventlet.sleep(0.005)
        gaps.append(time.monotonic() - began)


def hash_many(times: int) -> dict[str, Any]:
    """Hashes that many passwords at once, beside a beating loop."""
    gaps: list[float] = []
    heart = eventlet.spawn(beat, gaps)
    eventlet.sleep(0.02)
    work = [eventlet.spawn(run_in_thread(30), passwords.hash_password, f"password {n}") for n in range(times)]
    hashes = [one.wait() for one in work]
    heart.kill()
    return {
        "right": [passwords.is_right(f"password {n}", hashed) for n, hashed in enumerate(hashes)],
        "beats": len(gaps),
        "median_gap": sorted(gaps)[len(gaps) // 2],
    }


def most_at_once(times: int) -> int:
    """How many threads worked at the same time."""
    real, seen, working = original("time"), [], set()

    def work() -> None:
        working.add(threading.get_ident())
        seen.append(len(working))
        real.sleep(0.05)
        working.discard(threading.get_ident())

    for one in [eventlet.spawn(run_in_thread(30), work) for _ in range(times)]:
        one.wait()
    return max(seen)


def when_all_are_busy() -> dict[str, Any]:
    """What a call hears whose time ends before a thread is free; and that the next one works again."""
    real = original("time")
    busy = [eventlet.spawn(run_in_thread(None), real.sleep, 0.5) for _ in range(HASHERS)]
    eventlet.sleep(0.05)
    began = time.monotonic()
    codes = []
    for seconds_left in (0.1, 0, -1):
        try:
            run_in_thread(seconds_left)(passwords.is_common, "x")
        except Unavailable as refusal:
            codes.append(refusal.code)
    refused_after = time.monotonic() - began
    for one in busy:
        one.wait()
    return {
        "codes": codes,
        "refused_after": refused_after,
        "then": run_in_thread(1)(passwords.is_common, "1234567890"),
    }


def after_a_failure() -> int:
    """How many of many failing pieces of work say so; none keeps its place."""

    def fail() -> None:
        raise ValueError("as planned")

    failed = 0
    for _ in range(3 * HASHERS):
        try:
            run_in_thread(1)(fail)
        except ValueError:
            failed += 1
    return failed


def memory_kept(times: int) -> float:
    """How many MiB the process keeps after hashing that many passwords, ten at a time."""
    before = resident_mib()
    pool = eventlet.GreenPool(10)
    for number in range(times):
        pool.spawn(run_in_thread(30), passwords.hash_password, f"password {number}")
    pool.waitall()
    return resident_mib() - before


def resident_mib() -> float:
    """The memory of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


container = make_container(
    AccountsService, load(Settings), [], {AccountSettings: {"password_hashers": HASHERS}}
)
PROVIDER = next(part for part in container.dependencies if isinstance(part, WorkerThreads))
for part in container.dependencies:
    if isinstance(part, WorkerThreads | SettingsProvider):
        part.setup()
PROVIDER.start()

print(  # noqa: T201
    json.dumps(
        {
            "hashing": hash_many(8),
            "most_at_once": most_at_once(6),
            "busy": when_all_are_busy(),
            "failed": after_a_failure(),
            "memory_kept": memory_kept(60) if sys.platform == "linux" else None,
        }
    )
)
