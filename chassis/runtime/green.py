"""Making this process green. Imports nothing, because it must run before anything else is imported."""

import os
import warnings


def go_green(hub: str = "") -> None:
    """Patches the standard library for eventlet; `hub` "asyncio" shares its loop with asyncio code.

    What was found to be needed for services, gateway and psycopg2 in one process: the hub named by
    the environment before eventlet is imported, and this call before every other import. psycopg2
    is made green by it too, and asyncio gets the unpatched modules back by itself.
    """
    if hub:
        os.environ["EVENTLET_HUB"] = hub
        os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # one process asks for no names; this starts sooner
    # It speaks to authors of new programs; whoever runs ours can do nothing about it.
    warnings.filterwarnings("ignore", message=r"(?s).*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()
