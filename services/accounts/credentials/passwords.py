"""The rules of passwords. Pure and slow: callers keep `hash_password` and `is_right` off the green loop."""

import functools
import runpy
import string
import unicodedata
from importlib.metadata import distribution

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kit.errors import Invalid

# Argon2id with 19 MiB, 2 passes and 1 lane: OWASP Password Storage Cheat Sheet.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1

_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
FEWEST_CHARACTERS = 2
_ROW = string.digits * 14
_LETTERS = string.ascii_lowercase * 5


def _read_common() -> frozenset[str]:
    # Imported, zxcvbn would keep names, films and dictionaries in memory too: 14 MiB.
    lists = runpy.run_path(str(distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")))
    return frozenset(lists["FREQUENCY_LISTS"]["passwords"])


_COMMON = _read_common()


def is_common(password: str) -> bool:
    """Whether a password is one of zxcvbn's 30,000 most frequent, whatever the case, has at most two
    different characters, or is a sequence of consecutive ones.
    """
    typed = _canonical(password).lower()
    return typed in _COMMON or len(set(typed)) <= FEWEST_CHARACTERS or _is_in_a_row(typed)


def refuse_common(field: str, password: str) -> None:
    """Raises: Invalid `common_password`, naming the field of the request that holds the password."""
    if is_common(password):
        raise Invalid.field(field, "common_password", "This password is on every list of common passwords.")


def _is_in_a_row(typed: str) -> bool:
    return any(typed in row for row in (_ROW, _ROW[::-1], _LETTERS, _LETTERS[::-1]))


def hash_password(password: str) -> str:
    """Returns the password as it is stored: Argon2id, its parameters, a random salt. Takes tens of ms."""
    return _HASHER.hash(_canonical(password))


def is_right(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; takes the same time when nothing is stored."""
    try:
        _HASHER.verify(stored or placeholder_hash(), _canonical(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other than the current parameters."""
    return _HASHER.check_needs_rehash(stored)


@functools.cache
def placeholder_hash() -> str:
    """The hash that stands in for an account that does not exist. The first call is slow."""
    return _HASHER.hash("the account that does not exist")


def _canonical(password: str) -> str:
    # The same letters typed on two keyboards can arrive composed or decomposed (RFC 8265, 4.2).
    return unicodedata.normalize("NFC", password)
