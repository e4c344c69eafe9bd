"""The types of accounts.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import Any, NotRequired, TypedDict

from client.resources.shared import Rating


class Account(TypedDict):
    """An account as its owner sees it."""

    id: str
    email: str
    email_verified: bool
    display_name: str
    bio: str
    roles: list[str]
    time_zone: str
    locale: str
    created_at: str
    updated_at: str
    version: int


class Session(TypedDict):
    """A signed-in session with its tokens; `expires_in` is the access token's life in seconds.

    A sign-in also answers a `device_token`. Sent along with later sign-ins (header `Device-Token`), it
    proves that this browser signed in before, and what strangers do does not lock it out.
    """

    session_id: str
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    device_token: NotRequired[str]
    account: Account


class ListedSession(TypedDict):
    """A live session in its owner's list; `current` is the one that asks."""

    id: str
    created_at: str
    last_used_at: str
    client: str | None
    address: str | None
    current: bool


class SecurityEvent(TypedDict):
    """Something that happened to an account: from which address and browser (its User-Agent), if any,
    and in `details` what its type adds."""

    id: str
    type: str
    created_at: str
    address: str | None
    browser: str | None
    details: dict[str, Any]


class Profile(TypedDict):
    """An account as everyone sees it; `rating` is what it earned as a provider."""

    id: str
    display_name: str
    bio: str
    member_since: str
    rating: Rating
    completed_orders: int
