"""The rule of e-mail addresses: what may be one, and in which form two are compared.

Domains are compared in their Unicode form (IDNA 2008 with the mapping of UTS 46), local parts in NFC
and lower case. Nothing is looked up in the network.
"""

import unicodedata
from typing import Any

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from marshmallow import ValidationError, validate

from kit.validation import Text

LONGEST_EMAIL = 254
_ORDINARY = ".example"  # appended to a special-use domain, makes one whose form can be checked


class EmailAddress(Text):
    """An e-mail address that can be written to, as typed (NFC); special-use domains are let through.

    Literal addresses (`a@[192.0.2.1]`), quoted local parts and domains that end in a dot are refused.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Length(max=LONGEST_EMAIL), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        typed = super()._deserialize(value, attr, data, **kwargs)
        if len(typed) <= LONGEST_EMAIL:  # a longer one is refused for its length
            _check(typed)
        return unicodedata.normalize("NFC", typed)


def normalise(email: str) -> str:
    """The one form in which addresses are compared and stored beside the one as typed; of anything.

    Lower-cased, not case-folded: folding would make different mailboxes (ß and ss) one.
    """
    local, at, domain = _lower_cased(email).rpartition("@")
    return f"{local}{at}{_unicode_domain(domain)}" if at else domain


def stored_forms(email: str) -> tuple[str, ...]:
    """The forms in which an account of this address may be stored, the one to prefer first.

    Before there was one form, a domain was stored as it was typed, in Unicode or in ASCII; where both
    have accounts, each is found by the address that it signed up with.
    """
    as_typed, canonical = _lower_cased(email), normalise(email)
    local, at, domain = canonical.rpartition("@")
    return tuple(dict.fromkeys((as_typed, canonical, f"{local}{at}{_ascii_domain(domain)}")))


def is_special_use(email: str) -> bool:
    """Whether its domain exists on one machine or network only: `localhost`, `.test`, `.local` and others
    that IANA lists (RFC 6761)."""
    return normalise(email).rpartition("@")[2].rpartition(".")[2] in SPECIAL_USE_DOMAIN_NAMES


def _check(email: str) -> None:
    checked = f"{email}{_ORDINARY}" if is_special_use(email) and not email.endswith(".") else email
    try:
        validate_email(checked, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValidationError(str(error)) from error


def _lower_cased(email: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())


def _ascii_domain(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii").rstrip(".")
    except (idna.IDNAError, UnicodeError):
        return domain


def _unicode_domain(domain: str) -> str:
    try:
        return idna.decode(_ascii_domain(domain))
    except (idna.IDNAError, UnicodeError):
        return domain
