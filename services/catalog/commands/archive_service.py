"""Archiving a service for good."""

from sqlalchemy import Connection

from kit.security.tokens import Caller
from services.catalog.access import require_current_version
from services.catalog.commands.save_service import lock_own_service, update_service
from services.catalog.contract import Status


def archive_service(
    connection: Connection, caller: Caller, service_id: str, expected_version: int | None
) -> None:
    """Archives a service of the caller's; an archived one stays as it is.

    Raises: NotFound, Forbidden, Stale.
    """
    service = lock_own_service(connection, service_id, caller.id)
    require_current_version(service, expected_version)
    if service.status != Status.ARCHIVED:
        update_service(connection, service, {"status": Status.ARCHIVED.value})
