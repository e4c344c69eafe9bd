"""Rows as the answers and events of the contract."""

import functools
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from sqlalchemy import Row

from kit.validation import rfc3339
from services.accounts.credentials.refresh_tokens import device_token
from services.accounts.credentials.signing import Signer
from services.accounts.settings import AccountSettings
from services.accounts.types import (
    Account,
    AccountNamedFields,
    ListedSession,
    Profile,
    SecurityEvent,
    Session,
)

_signer = functools.cache(Signer)


class IssuedSession(TypedDict):
    """What is stored of an opened or refreshed session for repeats: no token, since those are derived
    from it again. `browser` is the session that its device token proves."""

    session_id: str
    issued_at: int
    account: Account
    browser: NotRequired[str]


def render_account(row: Row[Any]) -> Account:
    """Returns a row of accounts as the contract's `Account`."""
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


def render_listed_session(row: Row[Any], current_id: str) -> ListedSession:
    """Returns a row of sessions as the contract's `ListedSession`."""
    return {
        "id": row.id,
        "created_at": rfc3339(row.created_at),
        "last_used_at": rfc3339(row.last_used_at),
        "client": row.client,
        "address": row.address,
        "current": row.id == current_id,
    }


def render_security_event(row: Row[Any]) -> SecurityEvent:
    """Returns a row of security events as the contract's `SecurityEvent`."""
    return {
        "id": row.id,
        "type": row.type,
        "created_at": rfc3339(row.created_at),
        "address": row.address,
        "browser": row.browser,
        "details": row.details,
    }


def render_account_named(row: Row[Any]) -> AccountNamedFields:
    """Returns the fields of the events `account_registered` and `account_updated`."""
    return {"account_id": row.id, "display_name": row.display_name, "account_version": row.version}


def render_issued(session_id: str, issued_at: datetime, account: Row[Any]) -> IssuedSession:
    """Returns what is stored of a session whose tokens were issued at a time."""
    return {
        "session_id": session_id,
        "issued_at": int(issued_at.timestamp()),
        "account": render_account(account),
    }


def render_profile(row: Row[Any]) -> Profile:
    """Returns an account with its projections as the contract's `Profile`."""
    return {
        "id": row.id,
        "display_name": row.display_name,
        "bio": row.bio,
        "member_since": rfc3339(row.created_at),
        "rating": {"average": row.rating_average, "count": row.rating_count or 0},
        "completed_orders": row.completed_orders or 0,
    }


def render_sign_in(issued: IssuedSession, refresh_token: str, settings: AccountSettings) -> Session:
    """Returns the contract's `Session` of a sign-in: with the device token that proves its browser later,
    the same for every sign-in of a browser that presents it."""
    browser = issued.get("browser") or issued["session_id"]  # revision 0002 stored none
    token = device_token(settings.session_secret, issued["account"]["id"], browser)
    return {**render_session(issued, refresh_token, settings), "device_token": token}


def render_session(issued: IssuedSession, refresh_token: str, settings: AccountSettings) -> Session:
    """Returns the contract's `Session`; the same `issued` always has the same access token."""
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
