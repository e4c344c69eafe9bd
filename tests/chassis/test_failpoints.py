"""A process dies exactly where it is told to, and never in production."""

import signal
import subprocess
import sys

import pytest

from chassis.runtime import failpoints
from kit.settings import BadSetting, Settings

PASSING = """
import sys
from chassis.runtime import failpoints
from kit.settings import Settings
failpoints.arm(Settings(fail_point="there", fail_point_passes=2))
for place in ("elsewhere", "there", "elsewhere", "there", "elsewhere", "there", "elsewhere"):
    print(place, flush=True)
    failpoints.reach(place)
"""


def test_the_process_dies_at_the_place_after_its_passes() -> None:
    done = subprocess.run([sys.executable, "-c", PASSING], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["elsewhere", "there", "elsewhere", "there", "elsewhere", "there"]


def test_nobody_dies_where_nothing_is_armed() -> None:
    failpoints.arm(Settings())
    failpoints.reach("outbox.confirmed")


def test_production_refuses_to_die() -> None:
    with pytest.raises(BadSetting, match="FAIL_POINT"):
        Settings(environment="production", token_public_keys="some", fail_point="outbox.confirmed")
