"""Secrets that somebody could guess are known by their text; random ones always pass."""

import base64
import hashlib
import secrets
from collections.abc import Callable

import pytest

from kit.security.strength import weakness_of_key, weakness_of_password, weakness_of_secret

ROUNDS = 40
GUESSABLE = [
    "x" * 40,
    "ab" * 20,
    "0123456789abcdef" * 2,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
    "password" * 5,
    "P@ssw0rd!P@ssw0rd!P@ssw0rd!P@ssw0rd!",
    "changeme-changeme-changeme-changeme",
    "please-change-this-secret-before-production",
    "this is not a very secret secret at all",
    "correct horse battery staple correct horse",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "production-session-secret-2026-11-29",
    "microtasks-production-secret-microtasks",
    "00000000-0000-0000-0000-000000000001",
    "deadbeef" * 5,
    "1111111111222222222233333333334444444444",
    "ABCDEFGHIJabcdefghijABCDEFGHIJabcdefghij",
]


PASSWORDS = ["", " ", "guest", "hunter2", "own", "demo-orders", "own-password-of-orders-1", "Tr0ub4dor&3"]


@pytest.mark.parametrize("text", [*PASSWORDS, *GUESSABLE])
def test_what_can_be_guessed_is_no_secret(text: str) -> None:
    assert weakness_of_secret(text)


@pytest.mark.parametrize("text", PASSWORDS)
def test_what_can_be_guessed_is_no_password(text: str) -> None:
    assert weakness_of_password(text)


def test_what_is_short_or_a_demos_is_none_however_random_it_is() -> None:
    assert weakness_of_secret(secrets.token_hex(15))
    assert weakness_of_password(secrets.token_hex(7))
    assert weakness_of_secret("demo-" + secrets.token_hex(24))
    assert weakness_of_password("demo-" + secrets.token_hex(24))


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(24),
        lambda: secrets.token_hex(16),
        lambda: secrets.token_urlsafe(32),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: secrets.token_hex(100),
        lambda: hashlib.sha256(secrets.token_bytes(8)).hexdigest(),
    ],
    ids=("hex 24", "hex 16", "for addresses", "base64", "long", "digest"),
)
def test_random_text_is_a_good_secret_and_a_good_password(make: Callable[[], str]) -> None:
    for _ in range(ROUNDS):
        text = make()
        assert weakness_of_secret(text) is None, text
        assert weakness_of_password(text) is None, text


@pytest.mark.parametrize(
    "key", [bytes(32), bytes(range(32)), b"k" * 32, b"password" * 4, bytes(range(0, 64, 2))]
)
def test_a_key_whose_bytes_are_not_random_can_be_guessed(key: bytes) -> None:
    assert weakness_of_key(key)


def test_a_random_key_is_good() -> None:
    for _ in range(ROUNDS):
        assert weakness_of_key(secrets.token_bytes(32)) is None
