"""Forms that wait until their owner has signed in, encrypted: only the site can read them, for an hour."""

import dataclasses
import json
from collections.abc import Sequence

from cryptography.fernet import InvalidToken

from website.security.sessions import make_cipher

PENDING_FORM_SECONDS = 3600
MAX_BYTES = 32 * 1024  # encrypted it grows by a third, and has to fit into one form with a password


@dataclasses.dataclass(frozen=True)
class PendingForm:
    """A form that was not processed because its owner was not signed in.

    `account_id` and `name` are the owner's. `page` is the path pattern of the page that receives the form,
    `parts` are the variable parts of `path`, and `back` is the path of the page that shows the form.
    """

    account_id: str
    name: str
    page: str
    parts: dict[str, str]
    path: str
    back: str
    values: dict[str, str]


class PendingForms:
    """Encrypts pending forms and decrypts them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._cipher = make_cipher(secrets, "texts of forms")

    def encrypt(self, form: PendingForm) -> str:
        """Returns the form as only the site can read it; an empty text when it has more than MAX_BYTES."""
        plain = json.dumps(dataclasses.asdict(form), ensure_ascii=False).encode(errors="replace")
        return self._cipher.encrypt(plain).decode() if len(plain) <= MAX_BYTES else ""

    def decrypt(self, encrypted: str) -> PendingForm | None:
        """Returns the form; None if it was not encrypted by the site within the last hour."""
        try:
            return PendingForm(**json.loads(self._cipher.decrypt(encrypted.encode(), PENDING_FORM_SECONDS)))
        except (InvalidToken, UnicodeError, TypeError):  # TypeError: encrypted by another version
            return None
