"""What operators did by the command line, and why."""

from chassis.storage.migrations import create_chassis_tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_chassis_tables("operator_acts")
