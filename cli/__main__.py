"""The `microtasks` command. Services and the embedded marketplace are made green before all else."""

import os
import signal
import sys
import warnings

from chassis.runtime.green import go_green

GREEN = {"dev": "asyncio", "serve": "", "accounts": ""}
ASYNCIO = {"gateway", "web"}


def main() -> None:
    """Runs the command; its exit code is 0 (done), 1 (it could not be done) or 2 (asked wrongly)."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command == "serve":  # nothing is under way yet, and a container's first process would ignore it
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if command in GREEN and not ASYNCIO & set(sys.argv):  # those two are asyncio, and stay themselves
        go_green(GREEN[command])
    else:  # whoever runs `migrate` can do nothing about this either
        warnings.filterwarnings("ignore", message=r"(?s).*Eventlet is deprecated")
    from cli.commands.main import microtasks
    from cli.support.terminal import show_traceback

    sys.excepthook = show_traceback

    microtasks(prog_name="microtasks")


if __name__ == "__main__":
    main()
