"""Setting up what processes need: databases, tables, exchanges and queues."""

from collections.abc import Callable, Iterable

from amqp.exceptions import AMQPError
from sqlalchemy.exc import OperationalError

from chassis.amqp import topology
from chassis.storage.database import database_url
from cli.support.errors import CliError
from kit.settings import Settings
from services import migrations, registry


def migrate_services(settings: Settings, names: Iterable[str], say: Callable[[str], None]) -> None:
    """Brings databases to their newest revision, then declares every queue. Safe to repeat.

    Raises: CliError when PostgreSQL or RabbitMQ is away or refuses.
    """
    for name in names:
        url = database_url(settings, name)
        try:
            migrations.upgrade(name, url.render_as_string(hide_password=False))
        except OperationalError as error:
            raise CliError(f"The database {url} cannot be used: {error.orig}".strip()) from error
        say(f"{name}: tables are up to date")
    try:
        topology.declare(settings, registry.NAMES, registry.all_events())
    except (OSError, AMQPError) as error:
        raise CliError(f"RabbitMQ cannot be used: {error or type(error).__name__}") from error
    say("queues are declared")
