"""Fingerprints of requests that hold a secret, as they may be stored with their idempotency key."""

import dataclasses
import secrets

from chassis.runtime.context import Call
from services.accounts.credentials.refresh_tokens import keyed_digest
from services.accounts.settings import AccountSettings


def protect_fingerprint(call: Call, settings: AccountSettings) -> str:
    """Replaces the call's fingerprint, a plain digest of a body with a password or token, by a keyed one.

    Returns the call's idempotency key, or a random one when it has none.
    """
    if call.idempotency is None:
        return secrets.token_urlsafe(32)
    fingerprint = keyed_digest(settings.session_secret, "fingerprint", call.idempotency.fingerprint)
    call.idempotency = dataclasses.replace(call.idempotency, fingerprint=fingerprint)
    return call.idempotency.key
