"""Changing a service: its texts, price, terms or status."""

from typing import Any

from sqlalchemy import Connection

from kit.security.tokens import Caller
from services.catalog.access import require_current_version, require_not_archived
from services.catalog.commands.save_service import lock_own_service, update_service
from services.catalog.rendering import render_service
from services.catalog.types import Service


def change_service(
    connection: Connection,
    caller: Caller,
    service_id: str,
    expected_version: int | None,
    fields: dict[str, Any],
) -> Service:
    """Changes the given fields of a service of the caller's; without any it stays as it is.

    Raises: NotFound, Forbidden, Stale; Conflict `service_archived`; Invalid `unknown_category`.
    """
    service = lock_own_service(connection, service_id, caller.id)
    require_current_version(service, expected_version)
    require_not_archived(service)
    return render_service(update_service(connection, service, fields) if fields else service)
