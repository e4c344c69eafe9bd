"""Rows as the JSON of the contract."""

import functools
from typing import Any

from sqlalchemy import Row

from kit.validation import rfc3339
from services.accounts.credentials.refresh_tokens import device_token
from services.accounts.credentials.signing import Signer
from services.accounts.settings import AccountSettings

Json = dict[str, Any]

_signer = functools.cache(Signer)


def render_account(row: Row[Any]) -> Json:
    """`contract.Account`."""
    return {
        "id": row.id,
        "email": row.email,
        "email_verified": row.email_verified,
        "display_name": row.display_name,
        "bio": row.bio,
        "roles": sorted(row.roles),
        "time_zone": row.time_zone,
        "locale": row.locale,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
    }


def render_listed_session(row: Row[Any], current_id: str) -> Json:
    """`contract.ListedSession`."""
    return {
        "id": row.id,
        "created_at": rfc3339(row.created_at),
        "last_used_at": rfc3339(row.last_used_at),
        "client": row.client,
        "address": row.address,
        "current": row.id == current_id,
    }


def render_profile(row: Row[Any]) -> Json:
    """`contract.Profile`."""
    return {
        "id": row.id,
        "display_name": row.display_name,
        "bio": row.bio,
        "member_since": rfc3339(row.created_at),
        "rating": {"average": row.rating_average, "count": row.rating_count or 0},
        "completed_orders": row.completed_orders or 0,
    }


def render_sign_in(issued: Json, refresh_token: str, settings: AccountSettings) -> Json:
    """`contract.Session` of a sign-in: with the device token that proves its browser later, the same
    for every sign-in of a browser while it presents it."""
    browser: str = issued.get("browser") or issued["session_id"]  # revision 0002 stored none
    token = device_token(settings.session_secret, issued["account"]["id"], browser)
    return {**render_session(issued, refresh_token, settings), "device_token": token}


def render_session(issued: Json, refresh_token: str, settings: AccountSettings) -> Json:
    """`contract.Session`; the same `issued` always gives the same access token."""
    account = issued["account"]
    access_token = _signer(settings.token_signing_key).sign(
        account["id"],
        issued["session_id"],
        account["display_name"],
        account["roles"],
        issued["issued_at"],
        settings.access_token_seconds,
        with_audience=settings.token_audience_required,
    )
    return {
        "session_id": issued["session_id"],
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": settings.access_token_seconds,
        "refresh_token": refresh_token,
        "account": account,
    }
