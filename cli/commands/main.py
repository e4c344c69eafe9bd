"""What `microtasks` can do."""

import asyncio
import os
from collections.abc import Callable

import click

from cli.commands.dead_letters import dead_letters
from cli.commands.events import events
from cli.commands.ledger import ledger
from cli.commands.orders import orders
from cli.commands.outbox import outbox
from cli.commands.queues import queues
from cli.support.errors import handle_errors
from cli.support.options import gateway_url, site_url
from cli.support.terminal import screen, shown
from kit import logging
from kit.settings import Common, Settings, load
from services.registry import NAMES, all_events, class_of

GATEWAY, WEB = "gateway", "web"
REPORTING = ("config", "doctor")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 not done, or found broken; 2 asked wrongly, or a setting is bad.",
)
@click.version_option(package_name="microtasks")
@click.pass_context
def microtasks(context: click.Context) -> None:
    """MicroTasks, a marketplace for small services.

    Settings are environment variables: `microtasks config` shows them; `microtasks dev` needs none.
    """
    if context.invoked_subcommand not in REPORTING:  # those two say themselves what is wrong
        with handle_errors():
            load(Common)


@microtasks.command(short_help="Runs the whole marketplace in one process.")
@click.option("--host", envvar="GATEWAY_HOST", default="127.0.0.1", show_default=True, show_envvar=True,
              help="The address the API and the site listen on.")  # fmt: skip
@click.option("--port", envvar="GATEWAY_PORT", default=8000, type=click.IntRange(1, 65535), show_default=True,
              show_envvar=True, help="Its port.")  # fmt: skip
@click.option("--web-port", envvar="WEB_PORT", type=click.IntRange(1, 65535), show_envvar=True,
              help="The port of the web site; without one 8080, or the next that is free.")  # fmt: skip
@click.option("--data-dir", envvar="DATA_DIR", default="var", type=click.Path(file_okay=False),
              show_default=True, show_envvar=True, help="Where the data is stored.")  # fmt: skip
@click.option("--seed/--no-seed", envvar="SEED", default=True, show_envvar=True,
              help="Whether an empty marketplace is filled with demo data.")  # fmt: skip
def dev(host: str, port: int, web_port: int | None, data_dir: str, seed: bool) -> None:
    """Runs the whole marketplace in this one process; no servers, no network."""
    os.environ.update({"GATEWAY_HOST": host, "GATEWAY_PORT": str(port)})
    if web_port is not None:
        os.environ["WEB_PORT"] = str(web_port)
    os.environ.setdefault("WEB_HOST", host)
    os.environ.setdefault("RELEASE_DAYS", "0")  # earnings can be paid out at once, to try that too
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("LOG_FORMAT", "console")
    from cli.commands.dev import run_marketplace

    with handle_errors():
        raise SystemExit(run_marketplace(data_dir, seed))


@microtasks.command(short_help="Runs one service, the gateway, or the web site.")
@click.argument("name", type=click.Choice([*NAMES, GATEWAY, WEB]))
def serve(name: str) -> None:
    """Runs one service, the gateway, or the web site, as its own process."""
    with handle_errors():
        if name == WEB:
            from cli.commands.site import serve_site

            serve_site()
            return
        if name == GATEWAY:
            from gateway.app import main as serve_gateway

            serve_gateway()
            return
        from chassis.runtime import runner
        from chassis.runtime.settings_check import check_settings

        settings, events = load(Settings), all_events()
        check_settings(runner.make_container(class_of(name), settings, events))
        raise SystemExit(runner.run(class_of(name), settings, events))


@microtasks.command(short_help="Creates or updates databases and queues.")
@click.argument("name", type=click.Choice(NAMES), required=False)
def migrate(name: str | None) -> None:
    """Creates or updates databases and queues: all of them, or one service's tables."""
    from cli.operations.migrations import migrate_services

    with handle_errors():
        settings = load(Settings)
        logging.configure("WARNING", "console")
        migrate_services(settings, NAMES if name is None else (name,), screen().print)


@microtasks.command(short_help="Fills a marketplace with demo data.")
@gateway_url("The gateway to fill.")
@click.option(
    "--patience", default=90.0, show_default=True, help="Seconds to wait for a busy or absent gateway."
)
def seed(url: str, patience: float) -> None:
    """Fills a running marketplace with demo data, through its public API. Safe to repeat."""
    from cli.support.progress import seed_with_progress

    with handle_errors():
        asyncio.run(seed_with_progress(url, screen(), None, patience))


@microtasks.command(short_help="Shows every setting.")
@click.option("--changed", is_flag=True, help="Only what the environment sets.")
@click.option("--json", "as_json", is_flag=True, help="For a program: one JSON object.")
def config(changed: bool, as_json: bool) -> None:
    """Shows every setting, its value, where that came from, and its meaning.

    Secrets are masked. Exit code: 0, or 2 when a setting cannot be used.
    """
    from cli.commands.configuration import show_configuration

    raise SystemExit(show_configuration(changed, as_json))


@microtasks.command(short_help="Finds what is wrong, and says what to do.")
@click.argument("names", type=click.Choice(NAMES), nargs=-1, metavar="[SERVICE]...")
@gateway_url("The gateway to look at.")
@site_url("The web site to look at too.")
@click.option("--within", default=20.0, show_default=True, type=click.FloatRange(1),
              help="Seconds to wait for answers, at the most.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For a program: one JSON object.")
def doctor(names: tuple[str, ...], url: str, site: str, within: float, as_json: bool) -> None:
    """Looks at settings, broker, databases, services, gateway and, with --site, the web site.

    Changes nothing. With names it looks at those services only. Exit code: 0 when nothing failed
    (there may be warnings), 1 when something failed.
    """
    from cli.doctor.report import run_doctor

    logging.configure("CRITICAL", "console")
    raise SystemExit(run_doctor(names or NAMES, url, site, within, as_json))


@microtasks.command(short_help="Plays a whole journey, step by step.")
@gateway_url("The gateway to play at.")
@click.option("--patience", default=15.0, show_default=True, type=click.FloatRange(0),
              help="Seconds to wait for a busy or absent gateway, and for each notification.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For a program: a JSON object in each line.")
def demo(url: str, patience: float, as_json: bool) -> None:
    """Plays a whole journey at a running marketplace: two people, two orders, every status.

    Safe to repeat: the people are new each time. Exit code: 0 when it was played to its end, else 1.
    """
    from cli.journey.display import show_journey

    with handle_errors():
        show_journey(url, patience, as_json)


for group in (events, outbox, dead_letters, orders, queues, ledger):
    microtasks.add_command(group)


@microtasks.group()
def accounts() -> None:
    """What operators do to accounts."""


@accounts.command("grant-staff")
@click.argument("email")
def grant_staff(email: str) -> None:
    """Makes an account staff, from its next sign-in or token on."""
    from cli.operations.audit_log import operator
    from services.accounts.commands.grant_staff import grant_staff as grant

    _with_accounts(lambda db: grant(db, email, operator()))
    screen().print(f"{shown(email)} is staff now.")


@accounts.command("revoke-staff")
@click.argument("email")
def revoke_staff(email: str) -> None:
    """Takes the staff role from an account and signs it out everywhere."""
    from cli.operations.audit_log import operator
    from services.accounts.commands.grant_staff import revoke_staff as revoke
    from services.accounts.settings import AccountSettings

    _with_accounts(lambda db: revoke(db, email, operator(), load(AccountSettings)))
    screen().print(f"{shown(email)} is not staff any more.")


def _with_accounts(act: Callable[..., object]) -> None:
    from chassis.storage.database import Db, make_engine

    with handle_errors():
        logging.configure("WARNING", "console")
        engine = make_engine(load(Settings), "accounts")
        try:
            act(Db(engine))
        finally:
            engine.dispose()
