"""The face of the accounts service: sign-up, sessions, one's own account, public profiles."""

import functools
import re
import zoneinfo
from enum import StrEnum

from marshmallow import Schema, ValidationError, fields, validate

from kit.contracts import Event, EventSchema, Rpc
from kit.validation import (
    MAX_LOCALE_CHARACTERS,
    Id,
    PageArguments,
    Rating,
    Text,
    Timestamp,
    line,
    path_id,
    secret,
    text,
)
from services.accounts.emails import LONGEST_EMAIL, EmailAddress

CURRENT_SESSION = "current"
MAX_BIO_LENGTH = 2000
MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 128
MAX_CLIENT_LENGTH = 300
MAX_DEVICE_TOKENS_LENGTH = 1000
MAX_TIME_ZONE_LENGTH = 64  # the longest name of the IANA database has 32

# The shape of BCP 47 (RFC 5646, 2.1): language, script, region, variants. Extensions are left out.
_LOCALE = re.compile(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
)


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _check_time_zone(name: str) -> None:
    # Looked up in the list, because ZoneInfo(name) would open a path made of the caller's text.
    if name not in _time_zones():
        raise ValidationError("Not a time zone of the IANA database.")


def _check_locale(tag: str) -> None:
    if _LOCALE.fullmatch(tag) is None:
        raise ValidationError("Not a language tag like `en` or `pt-BR`.")


# --- bodies, queries and arguments ---------------------------------------------------------


class RegisterAccountBody(Schema):
    """What a person gives to sign up."""

    email = EmailAddress(required=True)
    password = secret(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH, required=True, load_only=True)
    display_name = line(1, 80, required=True)


class OpenSessionBody(Schema):
    """What a person gives to sign in. Its shape is looser than at sign-up: a wrong one is just wrong."""

    email = text(1, LONGEST_EMAIL, required=True)
    password = secret(1, MAX_PASSWORD_LENGTH, required=True, load_only=True)


def _client() -> Text:
    return Text(load_default=None, allow_none=True, validate=validate.Length(max=MAX_CLIENT_LENGTH))


class OpenSessionArguments(OpenSessionBody):
    """Signing in, what the person's list of sessions shall call this one (its User-Agent), and the
    device tokens that the browser has from earlier sign-ins, separated by spaces."""

    client = _client()
    device_tokens = Text(load_default="", validate=validate.Length(max=MAX_DEVICE_TOKENS_LENGTH))


class RefreshSessionBody(Schema):
    """The refresh token that is used up by this."""

    refresh_token = secret(1, 200, required=True, load_only=True)


class RefreshSessionArguments(RefreshSessionBody):
    """Refreshing, and what the client calls itself (its User-Agent)."""

    client = _client()


class ListSessionsQuery(PageArguments):
    """Newest first."""


class ListSecurityEventsQuery(PageArguments):
    """Newest first."""


class CloseSessionArguments(Schema):
    """A session's id, or `current`. Anything else is a session that does not exist."""

    session_id = path_id(required=True)


class ChangeMeBody(Schema):
    """The fields a person may change about themselves; those left out stay."""

    display_name = line(1, 80)
    bio = text(0, MAX_BIO_LENGTH)
    time_zone = Text(validate=[validate.Length(max=MAX_TIME_ZONE_LENGTH), _check_time_zone])
    locale = Text(validate=[validate.Length(max=MAX_LOCALE_CHARACTERS), _check_locale])


class ChangePasswordBody(Schema):
    """The current password proves that it is the person who asks."""

    current_password = secret(1, MAX_PASSWORD_LENGTH, required=True, load_only=True)
    new_password = secret(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH, required=True, load_only=True)


class ProfileArguments(Schema):
    """Whose profile. A malformed id is simply the id of nobody."""

    account_id = path_id(required=True)


class NoArguments(Schema):
    """Nothing but the caller."""


# --- answers --------------------------------------------------------------------------------


class Account(Schema):
    """An account as its owner sees it."""

    id = Id(required=True)
    email = Text(required=True)
    email_verified = fields.Boolean(required=True)
    display_name = Text(required=True)
    bio = Text(required=True)
    roles = fields.List(Text(), required=True)
    time_zone = Text(required=True)
    locale = Text(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    version = fields.Integer(required=True)


class Session(Schema):
    """A signed-in session with its tokens; `expires_in` is the access token's life in seconds.

    A sign-in also answers a `device_token`. Sent along with later sign-ins (header `Device-Token`), it
    proves that this browser signed in before, and what strangers do does not lock it out.
    """

    session_id = Id(required=True)
    access_token = Text(required=True)
    token_type = Text(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True)
    refresh_token = Text(required=True)
    device_token = Text()
    account = fields.Nested(Account, required=True)


class ListedSession(Schema):
    """A live session in its owner's list; `current` is the one that asks."""

    id = Id(required=True)
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True)
    client = Text(required=True, allow_none=True)
    address = Text(required=True, allow_none=True)
    current = fields.Boolean(required=True)


class SecurityEventType(StrEnum):
    """What can happen to an account. Types are only added; readers show unknown ones as they are."""

    SIGNED_IN_NEW_BROWSER = "signed_in_new_browser"
    LOCKED_OUT = "locked_out"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105
    OPERATOR_ACT = "operator_act"


class SecurityEvent(Schema):
    """Something that happened to an account: from which address and browser (its User-Agent), if any,
    and in `details` what its type adds."""

    id = Id(required=True)
    type = Text(required=True)
    created_at = Timestamp(required=True)
    address = Text(required=True, allow_none=True)
    browser = Text(required=True, allow_none=True)
    details = fields.Dict(keys=fields.String(), required=True)


class Profile(Schema):
    """An account as everyone sees it; `rating` is what it earned as a provider."""

    id = Id(required=True)
    display_name = Text(required=True)
    bio = Text(required=True)
    member_since = Timestamp(required=True)
    rating = fields.Nested(Rating, required=True)
    completed_orders = fields.Integer(required=True)


class Revocation(Schema):
    """A closed session; its last access token has expired by `expires_at`."""

    session_id = Id(required=True)
    expires_at = Timestamp(required=True)


class Revocations(Schema):
    """Every session closed so recently that an access token of it may still look valid."""

    data = fields.List(fields.Nested(Revocation), required=True)


# --- methods --------------------------------------------------------------------------------

REGISTER_ACCOUNT = Rpc("accounts", "register_account", RegisterAccountBody, Account, mutates=True)
OPEN_SESSION = Rpc("accounts", "open_session", OpenSessionArguments, Session, mutates=True)
REFRESH_SESSION = Rpc("accounts", "refresh_session", RefreshSessionArguments, Session, mutates=True)
LIST_SESSIONS = Rpc("accounts", "list_sessions", ListSessionsQuery, ListedSession, paged=True)
LIST_SECURITY_EVENTS = Rpc(
    "accounts", "list_security_events", ListSecurityEventsQuery, SecurityEvent, paged=True
)
CLOSE_SESSION = Rpc("accounts", "close_session", CloseSessionArguments, mutates=True)
CLOSE_ALL_SESSIONS = Rpc("accounts", "close_all_sessions", NoArguments, mutates=True)
GET_ME = Rpc("accounts", "get_me", NoArguments, Account)
CHANGE_ME = Rpc("accounts", "change_me", ChangeMeBody, Account, mutates=True)
CHANGE_PASSWORD = Rpc("accounts", "change_password", ChangePasswordBody, mutates=True)
GET_PROFILE = Rpc("accounts", "get_profile", ProfileArguments, Profile)
LIST_REVOCATIONS = Rpc("accounts", "list_revocations", NoArguments, Revocations)


# --- events ---------------------------------------------------------------------------------


class AccountNamed(EventSchema):
    """An account and the name others know it by; apply it only if `account_version` is larger."""

    account_id = Id(required=True)
    display_name = Text(required=True)
    account_version = fields.Integer(required=True, strict=True)


class SessionRevoked(EventSchema):
    """Sessions were closed; forget them after `expires_at`, when their last access token has expired."""

    account_id = Id(required=True)
    session_ids = fields.List(Id(), required=True)
    expires_at = Timestamp(required=True)


_NAME_KEEPERS = ("catalog", "orders", "messaging", "reviews", "payments")

ACCOUNT_REGISTERED = Event("accounts", "account_registered", AccountNamed, consumers=_NAME_KEEPERS)
ACCOUNT_UPDATED = Event("accounts", "account_updated", AccountNamed, consumers=_NAME_KEEPERS)
SESSION_REVOKED = Event("accounts", "session_revoked", SessionRevoked, live=True)
