"""Running migrations: each service has an Alembic history, all share one environment and no ini file."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

HERE = Path(__file__).resolve().parent
MIGRATION_LOCK = 0x6D696372
LOCK_POLL_SECONDS = 0.2


def upgrade(service: str, database_url: str, revision: str = "head") -> None:
    """Migrates a service's database to a revision, creating the database if it is missing.

    Safe to run concurrently: an advisory lock serialises the runs.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    create_database(url)
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            _lock(connection)
            config = alembic_config(service)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _lock(connection: Connection) -> None:
    # Polled: a statement that waits holds a snapshot, and an index that another migration builds
    # concurrently waits for all snapshots to end.
    attempt = text("SELECT pg_try_advisory_lock(:key)")
    while not connection.execute(attempt, {"key": MIGRATION_LOCK}).scalar_one():
        connection.commit()
        time.sleep(LOCK_POLL_SECONDS)
    connection.commit()


def alembic_config(service: str) -> Config:
    """Returns Alembic's configuration of one service's history."""
    config = Config()
    config.set_main_option("script_location", str(HERE / "alembic_environment"))
    config.set_main_option("version_locations", str(HERE / service / "migrations"))
    config.set_main_option("path_separator", "newline")
    return config


def create_database(url: URL) -> None:
    """Creates a database unless it exists."""
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
