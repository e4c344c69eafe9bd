"""Places in the code where a test may kill this process, to prove that nothing is lost there.

`FAIL_POINT=outbox.confirmed` kills the process (SIGKILL) when it reaches that place;
with `FAIL_POINT_PASSES=3` at the fourth time. Production refuses the setting.
"""

import os
import signal

from kit.settings import Settings

_armed: dict[str, int] = {}  # how often each place may still be passed


def arm(settings: Settings) -> None:
    """Activates the fail point that the settings name, if any."""
    _armed.clear()
    if settings.fail_point:
        _armed[settings.fail_point] = settings.fail_point_passes


def reach(name: str) -> None:
    """Kills the process here when this fail point is active and due."""
    if name not in _armed:
        return
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed[name] -= 1
