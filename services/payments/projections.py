"""Projections of other services' data: the display names of people."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from chassis.storage.projections import save_if_newer
from services.payments.models import ACCOUNT_NAMES


def save_display_name(connection: Connection, event: Mapping[str, Any]) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {column: event[column] for column in ("account_id", "display_name", "account_version")}
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")
