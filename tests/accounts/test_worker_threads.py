"""Hashing passwords does not freeze the process: seen in a real green one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def seen() -> Any:
    """What the green process saw."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.accounts.green_process"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_green_loop_goes_on_while_passwords_are_hashed(seen: Any) -> None:
    assert seen["hashing"]["right"] == [True] * 8
    assert seen["hashing"]["beats"] >= 5
    assert seen["hashing"]["median_gap"] < 0.05


def test_only_so_many_are_hashed_at_once(seen: Any) -> None:
    assert seen["most_at_once"] == 2


def test_who_cannot_be_served_in_time_is_told_so_in_time(seen: Any) -> None:
    assert seen["busy"]["codes"] == ["busy"] * 3
    assert seen["busy"]["refused_after"] < 0.4
    assert seen["busy"]["then"] is True


def test_work_that_fails_says_so_and_gives_its_place_back(seen: Any) -> None:
    assert seen["failed"] == 6


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's habit")
def test_the_memory_that_hashing_takes_is_given_back(seen: Any) -> None:
    assert seen["memory_kept"] < 30
