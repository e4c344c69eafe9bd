"""What other services' events tell about services and their providers.

Names and ratings come as absolute values with a version of their own: an older one changes
nothing, whenever it arrives. Neither is an edit, so a service's `version` stays.
"""

from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.dialects import postgresql

from chassis.storage import outbox
from chassis.storage.tables import OUTBOX
from kit.contracts import Event
from services.catalog.contract import SERVICE_CHANGED
from services.catalog.indexing import name_columns
from services.catalog.models import providers, services

_at = services.c
_TOLD = (_at.id, _at.provider_id, _at.version)


def learn_name(connection: Connection, account_id: str, display_name: str, account_version: int) -> None:
    """The name under which a provider's services appear from now on."""
    new = postgresql.insert(providers).values(
        id=account_id, display_name=display_name, account_version=account_version
    )
    newer = new.on_conflict_do_update(
        index_elements=["id"],
        set_={"display_name": display_name, "account_version": account_version},
        where=providers.c.account_version < account_version,
    )
    if connection.execute(newer.returning(providers.c.id)).first() is None:
        return
    # A statement of its own: it must see services posted while the one above waited for its row.
    renamed = (
        update(services)
        .where(_at.provider_id == account_id, _at.provider_name != display_name)
        .values(provider_name=display_name, **name_columns(display_name))
    )
    _tell(connection, connection.execute(renamed.returning(*_TOLD)).all())


def learn_rating(connection: Connection, rating: dict[str, Any]) -> None:
    """A service's rating; those of providers are not kept here."""
    if rating["subject"] != "service":
        return
    rated = (
        update(services)
        .where(_at.id == rating["subject_id"], _at.rating_version < rating["rating_version"])
        .values(
            rating_version=rating["rating_version"],
            rating_count=rating["count"],
            rating_average=rating["average"] or 0,
        )
    )
    _tell(connection, connection.execute(rated.returning(*_TOLD)).all())


def _tell(connection: Connection, changed: Any) -> None:
    if changed:
        connection.execute(insert(OUTBOX), [_row(SERVICE_CHANGED, service) for service in changed])
        outbox.mark(connection)


def _row(contract: Event, service: Any) -> dict[str, Any]:
    return outbox.row(
        contract,
        service_id=service.id,
        provider_id=service.provider_id,
        service_version=service.version,
    )
