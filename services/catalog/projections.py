"""Projections of other services' data: providers' display names and services' ratings.

Both come as absolute values with a version of their own, so an older one changes nothing, whenever it
arrives. Neither is an edit of a service, so its `version` stays.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, update

from chassis.storage import outbox
from chassis.storage.projections import save_if_newer
from services.accounts.types import AccountNamed
from services.catalog.contract import SERVICE_CHANGED
from services.catalog.indexing import name_columns
from services.catalog.models import ACCOUNT_NAMES, SERVICES, SHOWN
from services.catalog.rendering import render_service_changed
from services.reviews.types import RatingChanged

_service = SERVICES.c


def save_display_name(connection: Connection, event: AccountNamed) -> None:
    """Stores the display name of an account event, unless a newer one is known, also in their services."""
    account_id, display_name = event["account_id"], event["display_name"]
    name = {"id": account_id, "display_name": display_name, "account_version": event["account_version"]}
    if not save_if_newer(connection, ACCOUNT_NAMES, name, key=("id",), version="account_version"):
        return
    # A statement of its own: it must see services posted while the one above waited for its row.
    renamed = (
        update(SERVICES)
        .where(_service.provider_id == account_id, _service.provider_name != display_name)
        .values(provider_name=display_name, **name_columns(display_name))
    )
    _publish(connection, connection.execute(renamed.returning(*SHOWN)).all())


def save_rating(connection: Connection, event: RatingChanged) -> None:
    """Stores the rating of a service, unless a newer one is known; ratings of providers are ignored."""
    if event["subject"] != "service":
        return
    rated = (
        update(SERVICES)
        .where(_service.id == event["subject_id"], _service.rating_version < event["rating_version"])
        .values(
            rating_version=event["rating_version"],
            rating_count=event["count"],
            rating_average=event["average"] or 0,
        )
    )
    _publish(connection, connection.execute(rated.returning(*SHOWN)).all())


def _publish(connection: Connection, changed: Sequence[Row[Any]]) -> None:
    if changed:
        rows = [outbox.row(SERVICE_CHANGED, **render_service_changed(service)) for service in changed]
        outbox.record_rows(connection, rows)
