"""How long things may take here, where others want the same processors."""

import os

# From the moment a server takes connections again: everything is ready and has drained.
DRAINED_SECONDS = 10.0
RESTARTED_SECONDS = 60.0  # a killed process has to start again
OWN_LOAD = 4.0  # processes that want each processor while nothing but a laboratory runs here


def drained_within() -> float:
    """The promise, on a machine of our own; where others want it too, so many times as long."""
    return DRAINED_SECONDS * strangers()


def restarted_within() -> float:
    """The same for processes that were killed."""
    return RESTARTED_SECONDS * strangers()


def strangers() -> float:
    """How many times as busy this machine is as one of our own, 1 at least: in the last minute."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / OWN_LOAD)
