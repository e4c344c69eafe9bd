from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from services.messaging.models import METADATA
from tests.messaging.actions import post
from tests.messaging.sample_events import Deal, new_id
from tests.support.service_harness import Harness


def test_the_migrations_make_the_tables_the_code_knows(messaging: Harness) -> None:
    with messaging.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_migrations_make_the_checks_the_code_knows(messaging: Harness) -> None:
    inspector = sa.inspect(messaging.engine)
    for table in METADATA.tables.values():
        known = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == known


@pytest.mark.parametrize(
    "breach",
    [
        "UPDATE threads SET order_status = 5 WHERE order_id = :order_id",
        "UPDATE threads SET order_status = 6 WHERE order_id = :order_id",
        "UPDATE threads SET provider_id = customer_id WHERE order_id = :order_id",
        "UPDATE threads SET customer_unread = -1 WHERE order_id = :order_id",
        "UPDATE threads SET provider_unread = message_count + 1 WHERE order_id = :order_id",
        "UPDATE messages SET body = '' WHERE order_id = :order_id",
        "UPDATE messages SET body = repeat('x', 4001) WHERE order_id = :order_id",
        "UPDATE messages SET order_id = gen_random_uuid() WHERE order_id = :order_id",
        "UPDATE messages SET author_id = gen_random_uuid() WHERE order_id = :order_id",
    ],
)
def test_the_database_itself_refuses_what_must_not_be(messaging: Harness, deal: Deal, breach: str) -> None:
    post(messaging, deal.customer, deal)
    with pytest.raises(IntegrityError):
        messaging.execute(breach, order_id=deal.order_id)


def test_two_messages_never_share_a_position(messaging: Harness, deal: Deal) -> None:
    post(messaging, deal.customer, deal)
    copied: dict[str, Any] = {"order_id": deal.order_id, "id": new_id()}
    with pytest.raises(IntegrityError):
        messaging.execute(
            "INSERT INTO messages (id, order_id, position, author_id, body)"
            " SELECT :id, order_id, position, author_id, body FROM messages WHERE order_id = :order_id",
            **copied,
        )
