"""The rule of e-mail addresses: two that differ only in case are one account's."""

import unicodedata


def normalise(email: str) -> str:
    """The form addresses are compared in; the address as typed is kept beside it, for writing to it.

    Lower-cased, not case-folded: folding would make different mailboxes (ß and ss) one.
    """
    return unicodedata.normalize("NFC", email.strip()).lower()
