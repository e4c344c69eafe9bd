"""`microtasks dev`: the embedded marketplace with a terminal around it."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import eventlet
from eventlet.asyncio import spawn_for_awaitable
from eventlet.queue import LightQueue

from cli.demo.people import CUSTOMERS, PASSWORD, PROVIDERS, STAFF
from cli.support.errors import CliError
from cli.support.progress import seed_with_progress
from cli.support.terminal import Screen, screen, shown
from client import Problem, Unreachable
from embedded.greenlets import in_greenlet
from embedded.marketplace import CannotStart, Marketplace
from kit import logging
from kit.errors import ServiceError
from kit.settings import Settings, load

STARTED, SIGNALLED = "started", "signalled"
DEMO_FILE, BEGUN, FINISHED = "demo-data", "begun", "finished"


def run_marketplace(data_dir: str, wants_demo: bool) -> int:
    """Starts everything, waits for SIGINT or SIGTERM and stops everything; answers the exit code.

    Raises: CliError, BadSetting.
    """
    settings = load(Settings)
    logging.configure(settings.log_level, settings.log_format)
    console = screen()
    outcomes: LightQueue = LightQueue()
    _handle_signals(outcomes)
    marketplace = Marketplace(Path(data_dir), on_crash=outcomes.put)
    try:
        end = _run(marketplace, console, outcomes, wants_demo)
    except CannotStart as error:
        raise CliError(str(error)) from error
    finally:
        with console.status("Stopping ..."):
            marketplace.stop()
    if end != SIGNALLED:
        raise CliError(f"A service crashed. {end}")
    console.print("Stopped; the data stays.")
    return 0


def _handle_signals(outcomes: LightQueue) -> None:
    loop = eventlet.hubs.get_hub().loop
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, outcomes.put, SIGNALLED)


def _run(marketplace: Marketplace, console: Screen, outcomes: LightQueue, wants_demo: bool) -> str:
    began = time.monotonic()
    starting = eventlet.spawn(_failure_of, marketplace.start)
    starting.link(lambda _: outcomes.put(STARTED))
    with console.status("Starting ..."):
        first = str(outcomes.get())
        if first != STARTED:
            starting.kill()
            return first
        if (failure := starting.wait()) is not None:
            raise failure
    lacks_demo = wants_demo and _lacks_demo(marketplace)
    _welcome(marketplace, console, time.monotonic() - began)
    demo = spawn_for_awaitable(_seed(marketplace, console)) if lacks_demo else None
    end = str(outcomes.get())
    if demo is not None:
        demo.kill()
    return end


def _failure_of(start: Callable[[], None]) -> Exception | None:
    # A greenlet that raises prints a traceback of its own; the error message is enough.
    try:
        start()
    except Exception as error:
        return error
    return None


def _welcome(marketplace: Marketplace, console: Screen, seconds: float) -> None:
    url = marketplace.url
    console.print(f"[bold]MicroTasks is ready[/bold] after {seconds:.1f} s; Ctrl-C stops it.")
    console.print(f"  site   {marketplace.site_url}")
    console.print(f"  API    {url}/v1   documentation {url}/docs")
    console.print(f"  data   {shown(marketplace.data_dir)}")
    if not (marketplace.data_dir / DEMO_FILE).exists():
        return
    console.print(f"  Sign in with the password [bold]{PASSWORD}[/bold] as")
    for role, person in (("a provider", PROVIDERS[0]), ("a customer", CUSTOMERS[0]), ("staff", STAFF)):
        console.print(f"    {person.email:<22} {role}")


def _lacks_demo(marketplace: Marketplace) -> bool:
    """Whether there is nothing yet, or an earlier run was interrupted."""
    mark = marketplace.data_dir / DEMO_FILE
    if not mark.exists() and marketplace.is_empty:
        mark.write_text(BEGUN)
    return mark.exists() and mark.read_text() == BEGUN


async def _seed(marketplace: Marketplace, console: Screen) -> None:
    async def grant_staff(email: str) -> None:
        await in_greenlet(marketplace.grant_staff, email)

    try:
        await seed_with_progress(marketplace.url, console, grant_staff)
    except* (Problem, Unreachable, ServiceError) as failed:
        console.print(
            f"[red]The demo data are not complete:[/red] {shown(failed.exceptions[0])}. Start again to go on."
        )
    else:
        (marketplace.data_dir / DEMO_FILE).write_text(FINISHED)
