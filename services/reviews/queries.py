"""Reads, one statement each: reviewable orders, reviews of orders and of providers, ratings."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    bindparam,
    func,
    or_,
    select,
    text,
    tuple_,
)

from chassis.storage.database import Db
from chassis.storage.idempotency import IS_CLAIMED, FirstStatement
from kit.errors import NotFound
from kit.paging import ByTime, Page, decode_cursor, page_of
from kit.security.tokens import Caller
from kit.validation import is_id
from services.orders.types import Order
from services.reviews.access import FINAL, not_found, not_reviewed, review_deadline, role_in_order
from services.reviews.models import ACCOUNT_NAMES, REVIEWABLE_ORDERS, REVIEWS
from services.reviews.ratings import star_counts
from services.reviews.rendering import render_review
from services.reviews.reviewable_orders import reviewable_order_of
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review, ServiceRating
from services.unknown_orders import OrderUnknown, run_with_order_if_available

_CUSTOMERS = ACCOUNT_NAMES.alias("customers")
_PROVIDERS = ACCOUNT_NAMES.alias("providers")
_CURRENT_NAMES: tuple[ColumnElement[Any], ...] = (
    func.coalesce(_CUSTOMERS.c.display_name, REVIEWABLE_ORDERS.c.customer_name).label("customer_name"),
    func.coalesce(_PROVIDERS.c.display_name, REVIEWABLE_ORDERS.c.provider_name).label("provider_name"),
)


def _is_of_reviewable_order() -> ColumnElement[bool]:
    return REVIEWS.c.order_id == REVIEWABLE_ORDERS.c.order_id


def _named(source: FromClause) -> FromClause:
    return source.outerjoin(_CUSTOMERS, _CUSTOMERS.c.account_id == REVIEWABLE_ORDERS.c.customer_id).outerjoin(
        _PROVIDERS, _PROVIDERS.c.account_id == REVIEWABLE_ORDERS.c.provider_id
    )


FIND_REVIEWABLE_ORDER: Select[Any] = (
    select(
        *(column for column in REVIEWABLE_ORDERS.c if not column.name.endswith("_name")),
        *_CURRENT_NAMES,
        REVIEWS.c.id.label("review_id"),
    )
    .select_from(_named(REVIEWABLE_ORDERS).outerjoin(REVIEWS, _is_of_reviewable_order()))
    .where(REVIEWABLE_ORDERS.c.order_id == bindparam("order_id"))
)
_FIND_REVIEWABLE_ORDER_FIRST = FIND_REVIEWABLE_ORDER.where(text(IS_CLAIMED))


def find_reviewable_order(connection: Connection, order_id: str) -> RowMapping | None:
    """Returns what is known of an order, with current names and `review_id` when it has a review.

    Raises: NotFound for a malformed id, which no order has.
    """
    if not is_id(order_id):
        raise not_found()
    return connection.execute(FIND_REVIEWABLE_ORDER, {"order_id": order_id}).mappings().first()


def find_reviewable_order_first(order_id: str) -> FirstStatement:
    """Returns the first statement of a command, which finds the same.

    Raises: NotFound for a malformed id.
    """
    if not is_id(order_id):
        raise not_found()
    return FirstStatement(_FIND_REVIEWABLE_ORDER_FIRST, {"order_id": order_id})


def lock_review(connection: Connection, review_id: str) -> RowMapping:
    """Returns a review, locked until the transaction ends.

    Raises: NotFound.
    """
    if not is_id(review_id):
        raise not_found()
    statement = _reviews().where(REVIEWS.c.id == review_id).with_for_update(of=REVIEWS)
    review = connection.execute(statement).mappings().first()
    if review is None:
        raise not_found()
    return review


def get_review(
    db: Db, get_order: Callable[..., Order], caller: Caller, order_id: str, periods: ReviewPeriods
) -> Review:
    """Returns the review of an order, for its parties and staff, hidden or not.

    Asks orders only when there is no review and no event has said that the order is completed; while
    orders does not answer, what is known here decides.

    Raises: NotFound for strangers, and while there is no review, then with `available_actions`
    and `review_by`.
    """

    def read(order: Order | None) -> Review:
        return db.read(lambda connection: _review_of_order(connection, order_id, caller, periods, order))

    return run_with_order_if_available(get_order, order_id, read)


def _review_of_order(
    connection: Connection, order_id: str, caller: Caller, periods: ReviewPeriods, order: Order | None
) -> Review:
    if not is_id(order_id):
        raise not_found()
    statement = _reviews().where(REVIEWS.c.order_id == order_id)
    if not caller.is_staff:
        parties = (REVIEWABLE_ORDERS.c.customer_id, REVIEWABLE_ORDERS.c.provider_id)
        statement = statement.where(or_(*(party == caller.id for party in parties)))
    review = connection.execute(statement).mappings().first()
    if review is None:
        raise _no_review(connection, order_id, caller, periods, order)
    return render_review(review, periods, datetime.now(UTC))


def _no_review(
    connection: Connection, order_id: str, caller: Caller, periods: ReviewPeriods, order: Order | None
) -> NotFound:
    known = find_reviewable_order(connection, order_id) if order is None else reviewable_order_of(order)
    if known is None:
        return OrderUnknown("There is no such order or review.")
    if role_in_order(caller.id, caller.is_staff, known["customer_id"], known["provider_id"]) is None:
        return not_found()
    completed_at = known["completed_at"]
    review_by = None if completed_at is None else review_deadline(completed_at, periods.submission)
    refusal = not_reviewed(review_by, datetime.now(UTC))
    if order is None and known["status"] not in FINAL:
        return OrderUnknown(refusal.detail, **refusal.data)
    return refusal


def reviews_of_provider(
    connection: Connection,
    periods: ReviewPeriods,
    account_id: str,
    limit: int,
    cursor: str | None,
    service_id: str | None = None,
) -> Page[Review]:
    """Returns a page of a provider's visible reviews, newest first; with `service_id` only of that service.

    Raises: NotFound for a malformed id; BadQuery for a cursor of another list.
    """
    if not is_id(account_id):
        raise not_found()
    filters = {"list": "profile_reviews", "account_id": account_id}
    if service_id is not None:
        filters["service_id"] = service_id
    after = decode_cursor(cursor, filters, ByTime)
    statement = provider_page(account_id, limit, after, service_id)
    rows, now = connection.execute(statement).mappings().all(), datetime.now(UTC)
    return page_of(
        rows,
        limit,
        filters,
        lambda row: ByTime(row["created_at"], row["id"]),
        lambda row: render_review(row, periods, now),
    )


def provider_page(
    account_id: str, limit: int, after: ByTime | None, service_id: str | None = None
) -> Select[Any]:
    """Selects such a page; it reads the index `reviews_of_provider`, or `reviews_of_service`, backwards."""
    statement = (
        _reviews()
        .where(REVIEWS.c.provider_id == account_id, REVIEWS.c.hidden_at.is_(None))
        .order_by(REVIEWS.c.created_at.desc(), REVIEWS.c.id.desc())
        .limit(limit + 1)
    )
    if service_id is not None:
        statement = statement.where(REVIEWS.c.service_id == service_id)
    if after is None:
        return statement
    return statement.where(tuple_(REVIEWS.c.created_at, REVIEWS.c.id) < after)


def rating_of_service(connection: Connection, service_id: str) -> ServiceRating:
    """Returns how many of each star a service was given, and their average.

    Raises: NotFound for a malformed id.
    """
    if not is_id(service_id):
        raise not_found()
    rows = connection.execute(service_stars(service_id)).all()
    return star_counts({row[0]: row[1] for row in rows})


def service_stars(service_id: str) -> Select[Any]:
    """Selects the counts of each star; the index `reviews_of_service` suffices."""
    return (
        select(REVIEWS.c.rating, func.count())
        .where(REVIEWS.c.service_id == service_id, REVIEWS.c.hidden_at.is_(None))
        .group_by(REVIEWS.c.rating)
    )


def _reviews() -> Select[Any]:
    return select(
        *REVIEWS.c,
        REVIEWABLE_ORDERS.c.customer_id,
        REVIEWABLE_ORDERS.c.service_title,
        *_CURRENT_NAMES,
    ).select_from(_named(REVIEWS.join(REVIEWABLE_ORDERS, _is_of_reviewable_order())))
