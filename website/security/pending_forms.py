"""Forms that were sent in vain, sealed for their owners: only the site can read them, for an hour."""

import dataclasses
import json
from collections.abc import Sequence

from cryptography.fernet import InvalidToken

from website.security.sessions import fernet_of

UNSENT_SECONDS = 3600
LARGEST_BYTES = 32 * 1024  # sealed it is a third longer, and has to fit into one form with a password


@dataclasses.dataclass(frozen=True)
class Unsent:
    """A form that was sent in vain: whose it is, its page and where it was, and what was typed.

    `page` and `parts` are the site's page and the variable parts of its `path`; `back` is where the form was.
    """

    account_id: str
    name: str
    page: str
    parts: dict[str, str]
    path: str
    back: str
    values: dict[str, str]


class UnsentForms:
    """Seals forms for their owners and opens them again."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._seal = fernet_of(secrets, "texts of forms")

    def seal(self, unsent: Unsent) -> str:
        """The form, as only the site can read it; empty when it is too large to travel."""
        told = json.dumps(dataclasses.asdict(unsent), ensure_ascii=False).encode(errors="replace")
        return self._seal.encrypt(told).decode() if len(told) <= LARGEST_BYTES else ""

    def open(self, sealed: str) -> Unsent | None:
        """The form; None for what the site did not seal, or more than an hour ago."""
        try:
            return Unsent(**json.loads(self._seal.decrypt(sealed.encode(), UNSENT_SECONDS)))
        except (InvalidToken, UnicodeError, TypeError):  # TypeError: sealed by another version
            return None
