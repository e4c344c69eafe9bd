"""The settings of accounts."""

import hashlib
from dataclasses import dataclass

from kit.settings import BadSetting, setting
from kit.tokens import DEMO_SIGNING_KEY, LONGEST_LIFE_SECONDS
from services.accounts.signing import Signer

DEMO_SESSION_SECRET = hashlib.sha256(b"microtasks demo session secret, never for production").hexdigest()
LEAST_SECRET_LENGTH = 32


@dataclass(frozen=True)
class AccountSettings:
    """Secrets, lifetimes and limits of accounts.

    Raises: BadSetting when a secret is unusable, or is the demo's in production.
    """

    environment: str = setting("development", "development or production; production refuses demo secrets")
    token_signing_key: str = setting(
        DEMO_SIGNING_KEY, "base64 of the Ed25519 seed that signs access tokens", secret=True
    )
    session_secret: str = setting(
        DEMO_SESSION_SECRET, "derives refresh tokens; at least 32 characters", secret=True
    )
    access_token_seconds: int = setting(600, "how long an access token is good for")
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
    known_browser_days: int = setting(365, "how long a browser that signed in is known by its device token")
    sign_ups_per_day: int = setting(
        100, "accounts that may be made from one public address in 24 hours; 0: any"
    )
    security_event_days: int = setting(180, "how long the security events of accounts are stored")
    password_hashers: int = setting(2, "passwords a process hashes at once; the others wait")
    dead_session_hours: int = setting(24, "how long closed and expired sessions are kept")

    def __post_init__(self) -> None:
        """Refuses secrets that cannot protect anybody."""
        try:
            Signer(self.token_signing_key)
        except ValueError as error:
            raise BadSetting("TOKEN_SIGNING_KEY is not the base64 of a 32-byte Ed25519 seed.") from error
        if len(self.session_secret) < LEAST_SECRET_LENGTH:
            raise BadSetting(f"SESSION_SECRET has fewer than {LEAST_SECRET_LENGTH} characters.")
        if not 0 < self.access_token_seconds <= LONGEST_LIFE_SECONDS:
            raise BadSetting(f"ACCESS_TOKEN_SECONDS is not between 1 and {LONGEST_LIFE_SECONDS}.")
        if self.environment == "production":
            self._refuse_demo_secrets()

    def _refuse_demo_secrets(self) -> None:
        if self.token_signing_key == DEMO_SIGNING_KEY:
            raise BadSetting("TOKEN_SIGNING_KEY is the demo key, which everybody knows.")
        if self.session_secret == DEMO_SESSION_SECRET:
            raise BadSetting("SESSION_SECRET is the demo secret, which everybody knows.")
