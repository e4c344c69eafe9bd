"""For the services' migrations: the chassis tables, made by name."""

from alembic import op
from sqlalchemy import MetaData

from chassis.storage.tables import chassis_tables

FIRST = ("outbox", "inbox", "failed_events", "idempotency")


def create_chassis_tables(*names: str) -> None:
    """Creates chassis tables, as they are declared now; without names the first four."""
    metadata = MetaData()
    chassis_tables(metadata)
    metadata.create_all(op.get_bind(), [metadata.tables[name] for name in names or FIRST])
