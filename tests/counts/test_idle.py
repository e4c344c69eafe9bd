"""Who has nothing to do does next to nothing: no process polls broker, database or clock busily."""

import time
from collections import Counter
from pathlib import Path

from tests.counts.counting import ROUND_TRIPS
from tests.load.draining import Draining
from tests.support.stack import Process, Stack

WATCHED_SECONDS = 4.0
WAKE_UPS_PER_SECOND = 20.0
STATEMENTS_PER_SECOND = (
    3.0  # relay and failed events are polled every 5 s, due orders and payments every 15 s
)


def wake_ups(process: Process) -> int:
    """How often its threads have waited for something and gone on."""
    statuses = Path(f"/proc/{process.pid}/task").glob("*/status")
    lines = [line for status in statuses for line in status.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def statements(process: Process) -> float:
    return sum(value for (name, _), value in process.metrics().items() if name == ROUND_TRIPS)


def test_an_idle_process_wakes_up_seldom_and_asks_little(stack: Stack) -> None:
    Draining(lambda name: str(stack.environment["DATABASE_URL"]).replace("{service}", name)).wait()
    sent = Counter({process.label: statements(process) for process in stack.processes})
    woken = Counter({process.label: wake_ups(process) for process in stack.processes})
    began = time.monotonic()
    time.sleep(WATCHED_SECONDS)  # nothing happens, which is what is watched
    seconds = time.monotonic() - began
    woken_per_second = {p.label: (wake_ups(p) - woken[p.label]) / seconds for p in stack.processes}
    sent_per_second = {p.label: (statements(p) - sent[p.label]) / seconds for p in stack.processes}

    assert {k: v for k, v in woken_per_second.items() if v > WAKE_UPS_PER_SECOND} == {}
    assert {k: v for k, v in sent_per_second.items() if v > STATEMENTS_PER_SECOND} == {}
