"""Posting a service, within the quota of its provider."""

from typing import Any

from sqlalchemy import Connection, case, func, select
from sqlalchemy.dialects.postgresql import insert

from kit.errors import Conflict
from kit.security.tokens import Caller
from services.catalog.commands.save_service import insert_service
from services.catalog.contract import Status
from services.catalog.models import ACCOUNT_NAMES, SERVICES
from services.catalog.rendering import render_service
from services.catalog.settings import CatalogSettings
from services.catalog.types import Service


def post_service(
    connection: Connection, caller: Caller, fields: dict[str, Any], settings: CatalogSettings
) -> Service:
    """Posts a service of the caller's.

    Raises: Conflict `quota_exceeded`; Invalid `unknown_category`.
    """
    provider_name = _lock_display_name(connection, caller)
    _require_quota(connection, caller, settings.services_per_account)
    return render_service(insert_service(connection, caller.id, provider_name, fields))


def _lock_display_name(connection: Connection, caller: Caller) -> str:
    """Returns the name that accounts published, else the access token's, and locks its row: a change of
    name waits for this service, and so does another service of the same provider."""
    new = insert(ACCOUNT_NAMES).values(id=caller.id, display_name=caller.display_name)
    is_published = ACCOUNT_NAMES.c.account_version > 0
    name = case((is_published, ACCOUNT_NAMES.c.display_name), else_=new.excluded.display_name)
    saved = new.on_conflict_do_update(index_elements=["id"], set_={"display_name": name})
    return str(connection.execute(saved.returning(ACCOUNT_NAMES.c.display_name)).scalar_one())


def _require_quota(connection: Connection, caller: Caller, quota: int) -> None:
    own = select(func.count()).where(
        SERVICES.c.provider_id == caller.id, SERVICES.c.status != Status.ARCHIVED.value
    )
    if connection.execute(own).scalar_one() >= quota:
        detail = f"You have {quota} services, which is as many as an account may have. Archive one first."
        raise Conflict(detail, code="quota_exceeded", quota="services_per_account", limit=quota)
