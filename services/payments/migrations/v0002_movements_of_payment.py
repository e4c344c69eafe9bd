"""The movements of a payment by an index: the audit asks for them a range of payments at a time."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Built beside the writes that go on meanwhile."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ledger_movements_of_payment",
            "ledger_movements",
            ["payment_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
