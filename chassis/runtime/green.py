"""Makes this process green. Imports no library, because it must run before any other import."""

import os
import warnings


def go_green(hub: str = "") -> None:
    """Patches the standard library for eventlet; `hub` "asyncio" shares its loop with asyncio code.

    Services, gateway and psycopg2 in one process need the hub in the environment before eventlet is
    imported, and this call before every other import. It makes psycopg2 green too; asyncio keeps the
    unpatched modules.
    """
    if hub:
        os.environ["EVENTLET_HUB"] = hub
        os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # no name is resolved in one process; starts sooner
    # The warning is for authors of new programs; users of this one cannot act on it.
    warnings.filterwarnings("ignore", message=r"(?s).*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()
