"""Signatures of account ids: they say which account a page and its forms were shown to."""

import hashlib
import hmac
from collections.abc import Sequence

OWNER_FIELD = "_owner"  # the hidden field of every form
ANONYMOUS = ""  # the account id of somebody who is not signed in
_SIGNATURE_LENGTH = 32


class AccountSigner:
    """Makes and verifies signatures (HMAC) of account ids."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [hashlib.sha256(b"owners of forms " + secret.encode()).digest() for secret in secrets]

    def sign(self, account_id: str) -> str:
        """Returns the signature of an account id, under the first secret. It does not reveal the id."""
        return _signature(self._secrets[0], account_id)

    def verify(self, account_id: str, signature: str) -> bool:
        """Whether a signature is the account's, under any of the secrets."""
        given = signature.encode(errors="replace")
        return any(
            hmac.compare_digest(_signature(secret, account_id).encode(), given) for secret in self._secrets
        )

    def sign_field(self, account_id: str) -> str:
        """Returns the value of the hidden field of a form that is shown to an account, or to ANONYMOUS."""
        return f"{account_id}.{self.sign(account_id)}"

    def read_field(self, field: str) -> str | None:
        """Returns the account id of a form's field, or ANONYMOUS; None without a valid signature."""
        account_id, _, signature = field.rpartition(".")
        return account_id if self.verify(account_id, signature) else None


def _signature(secret: bytes, account_id: str) -> str:
    text = account_id.encode(errors="replace")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:_SIGNATURE_LENGTH]
