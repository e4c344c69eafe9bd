"""The settings of accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kit.security.keys import is_demo_key, key_bytes, public_key_of
from kit.security.strength import MIN_SECRET_LENGTH, weakness_of_key, weakness_of_secret
from kit.security.tokens import LEEWAY_SECONDS, LONGEST_LIFE_SECONDS
from kit.setting_fields import MAX_NUMBER
from kit.settings import Common, setting


@dataclass(frozen=True)
class AccountSettings(Common):
    """Secrets, lifetimes and limits of accounts.

    Raises: BadSetting when a secret is unusable, or can be guessed in production.
    """

    token_signing_key: str = setting(
        "", "base64 of the Ed25519 seed that signs access tokens", secret=True, made=True
    )
    session_secret: str = setting(
        "", "derives refresh tokens; at least 32 characters", secret=True, made=True
    )
    access_token_seconds: int = setting(
        600, "how long an access token is good for", within=(1, LONGEST_LIFE_SECONDS)
    )
    token_audience_required: bool = setting(
        True, "false while an upgrade brings audiences: access tokens are made and taken without `aud`"
    )
    refresh_token_days: int = setting(30, "how long a refresh token waits for its use")
    session_days: int = setting(365, "the longest a session lives, however often it is refreshed")
    sessions_per_account: int = setting(50, "live sessions of one account; the longest unused one makes room")
    refresh_repeat_seconds: int = setting(60, "how long a repeated refresh gets the same answer")
    failed_sign_ins: int = setting(10, "wrong passwords an account may get from one network in one window")
    failed_sign_in_seconds: int = setting(900, "that window")
    failed_sign_ins_per_hour: int = setting(100, "wrong passwords an account may get from all networks")
    known_browser_days: int = setting(
        365,
        "how long a browser that signed in is known by its device token; 0: not at all",
        within=(0, 36_500),
    )
    sign_ups_per_day: int = setting(
        100, "accounts that may be made from one public address in 24 hours; 0: any", within=(0, MAX_NUMBER)
    )
    security_event_days: int = setting(180, "how long the security events of accounts are stored")
    password_hashers: int = setting(2, "passwords a process hashes at once; the others wait")
    dead_session_hours: int = setting(24, "how long closed and expired sessions are kept")

    @property
    def accepted_token_lifetime(self) -> timedelta:
        """The time after which no access token is accepted any more: a call that waited in a queue is
        accepted a little after its token expired."""
        return timedelta(seconds=self.access_token_seconds + LEEWAY_SECONDS)

    def problems(self) -> Iterator[str]:
        """Yields what is wrong with secrets that are missing or malformed."""
        try:
            key_bytes(self.token_signing_key)
        except ValueError as error:
            said = (
                "is missing" if not self.token_signing_key else f"not the base64 of an Ed25519 seed: {error}"
            )
            yield f"TOKEN_SIGNING_KEY: {said}"
        if len(self.session_secret) < MIN_SECRET_LENGTH:
            yield f"SESSION_SECRET: has fewer than {MIN_SECRET_LENGTH} characters"

    def problems_in_production(self) -> Iterator[str]:
        """Yields what is wrong with secrets that are known or guessable."""
        if why := weakness_of_secret(self.session_secret):
            yield f"SESSION_SECRET: {why}"
        try:
            key, public_key = key_bytes(self.token_signing_key), public_key_of(self.token_signing_key)
        except ValueError:  # said above
            return
        if why := weakness_of_key(key):
            yield f"TOKEN_SIGNING_KEY: {why}"
        if is_demo_key(public_key):
            yield "TOKEN_SIGNING_KEY: is the demo's, which everybody knows"
