import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from services.reviews.models import METADATA
from tests.reviews.testbed import ReviewsTestbed


def test_the_migrations_make_the_tables_of_the_models(testbed: ReviewsTestbed) -> None:
    with testbed.reviews.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


@pytest.mark.parametrize("status", [0, 5, 6, 8])
def test_a_status_that_does_not_exist_is_never_stored(testbed: ReviewsTestbed, status: int) -> None:
    testbed.order()
    with pytest.raises(IntegrityError, match="review_slots_status"):
        testbed.reviews.execute(
            "UPDATE review_slots SET status = :status, completed_at = NULL", status=status
        )


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("reviews_rating", "UPDATE reviews SET rating = 0"),
        ("reviews_rating", "UPDATE reviews SET rating = 6"),
        ("reviews_text", "UPDATE reviews SET text = repeat('x', 2001)"),
        ("reviews_reply", "UPDATE reviews SET reply_text = 'Thanks'"),
        ("reviews_hidden", "UPDATE reviews SET hidden_at = now()"),
        ("review_slots_completed_at", "UPDATE review_slots SET completed_at = NULL"),
        ("ratings_stars_total", "UPDATE ratings SET stars_total = 6"),
        ("ratings_stars_total", "UPDATE ratings SET count = 0"),
    ],
)
def test_the_database_refuses_what_the_rules_exclude(
    testbed: ReviewsTestbed, constraint: str, statement: str
) -> None:
    testbed.submit(testbed.order(), rating=5)
    with pytest.raises(IntegrityError, match=constraint):
        testbed.reviews.execute(statement)
