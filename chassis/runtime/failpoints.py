"""Places where a test may let this process die, to prove that nothing is lost there.

`FAIL_POINT=outbox.confirmed` kills the process (SIGKILL: nothing is finished) when it gets there;
with `FAIL_POINT_PASSES=3` the fourth time. Production refuses the setting.
"""

import os
import signal

from kit.settings import Settings

_armed: dict[str, int] = {}  # how often a place may still be passed


def arm(settings: Settings) -> None:
    """Lets the process die at the place its settings name, if they name one."""
    _armed.clear()
    if settings.fail_point:
        _armed[settings.fail_point] = settings.fail_point_passes


def reach(name: str) -> None:
    """Marks a place of the code."""
    if name not in _armed:
        return
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed[name] -= 1
