"""An event costs two index entries when it is recorded, and one when it is sent."""

from chassis.storage.migrations import drop_outbox_indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing of the release before needs what this drops."""
    drop_outbox_indexes()
