"""Each service's own Alembic history, run from code; one shared environment, no ini files."""

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from chassis.tables import chassis_tables

ROOT = Path(__file__).resolve().parent.parent
MIGRATION_LOCK = 0x6D696372


def create_chassis_tables() -> None:
    """For a service's first migration: creates outbox, inbox, failed_events and idempotency."""
    metadata = MetaData()
    chassis_tables(metadata)
    metadata.create_all(op.get_bind())


def upgrade(service: str, database_url: str) -> None:
    """Brings a service's database to its newest revision, creating the database if it is missing.

    Safe to run from several places at once: an advisory lock lets one after the other.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    create_database(url)
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            config = alembic_config(service)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def alembic_config(service: str) -> Config:
    """Alembic's configuration of one service's history."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "chassis" / "alembic_environment"))
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "newline")
    return config


def create_database(url: URL) -> None:
    """Creates a database that is not there yet."""
    try:
        create_engine(url).connect().close()
        return
    except OperationalError as error:
        if "does not exist" not in str(error):
            raise
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        quoted = server.dialect.identifier_preparer.quote(url.database or "")
        try:
            connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"))
        except (ProgrammingError, IntegrityError) as error:
            if "already exists" not in str(error):  # another migration was quicker
                raise
    server.dispose()
