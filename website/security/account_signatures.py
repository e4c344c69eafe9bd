"""Whose a page and its forms are: an account, by keys that only the site can make."""

import hashlib
import hmac
from collections.abc import Sequence

OWNER = "_owner"  # the hidden field of every form
NOBODY = ""
_KEY_LENGTH = 32


class Owners:
    """Makes and checks the keys of accounts."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [hashlib.sha256(b"owners of forms " + secret.encode()).digest() for secret in secrets]

    def key(self, account_id: str) -> str:
        """A name for an account that does not tell which it is. It changes with the site's secret."""
        return _mac(self._secrets[0], account_id)

    def has_key(self, account_id: str, key: str) -> bool:
        """Whether a key is the account's, by any of the site's secrets."""
        given = key.encode(errors="replace")
        return any(hmac.compare_digest(_mac(secret, account_id).encode(), given) for secret in self._secrets)

    def field(self, account_id: str) -> str:
        """What a form carries that is shown to an account, or to nobody (NOBODY)."""
        return f"{account_id}.{self.key(account_id)}"

    def read(self, field: str) -> str | None:
        """The account of a form, or NOBODY; None when the form does not say, or the site did not write it."""
        account_id, _, key = field.rpartition(".")
        return account_id if self.has_key(account_id, key) else None


def _mac(secret: bytes, account_id: str) -> str:
    text = account_id.encode(errors="replace")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:_KEY_LENGTH]
