"""Keys and secrets as texts: Ed25519 keys in base64, and the secrets of an installation that has none yet."""

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
FILE_NAME = "keys.json"
# Earlier releases signed with this key outside production, so everybody knows its other half.
DEMO_PUBLIC_KEY = "a5L9ECMk+JIcoIeYCnjy/0a+AoG8PAyFjLoMWBe5GOc="
# https://cr.yp.to/ecdh.html#validate and RFC 8032, 5.1.7: under these anybody's signature can pass.
_SMALL_ORDER = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a key in base64, usual or for addresses, with or without its padding.

    Raises: ValueError when it is anything else.
    """
    usual = text.strip().translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        decoded = base64.b64decode(usual + "=" * (-len(usual) % 4), validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error
    if len(decoded) != KEY_BYTES:
        raise ValueError(f"not {KEY_BYTES} bytes")
    return decoded


def signing_key_of(text: str) -> Ed25519PrivateKey:
    """The key whose seed a text holds. Raises: ValueError."""
    return Ed25519PrivateKey.from_private_bytes(key_bytes(text))


def verifying_key_of(text: str) -> Ed25519PublicKey:
    """The key a text holds. Raises: ValueError, also for those under which every signature passes."""
    decoded = key_bytes(text)
    if (decoded[:-1] + bytes([decoded[-1] & 0x7F])).hex() in _SMALL_ORDER:
        raise ValueError("a key under which anybody can sign")
    return Ed25519PublicKey.from_public_bytes(decoded)


def public_key_of(signing_key: str) -> str:
    """The base64 public key that verifies what a signing key signs."""
    return base64.b64encode(signing_key_of(signing_key).public_key().public_bytes_raw()).decode()


def key_id(public_key: str) -> str:
    """The `kid` of a public key."""
    return hashlib.sha256(key_bytes(public_key)).hexdigest()[:16]


def is_demo_key(public_key: str) -> bool:
    """Whether it is the one that earlier releases shipped, however it is written."""
    return key_bytes(public_key) == key_bytes(DEMO_PUBLIC_KEY)


def generate_signing_key() -> str:
    """A new signing key, ready for the settings."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def secrets_of(folder: Path) -> dict[str, str]:
    """An installation's own secrets by the names of their settings, made when they are asked for first.

    Only the owner of the folder may read them. Raises: OSError, and ValueError when the file is unusable.
    """
    path = folder / FILE_NAME
    if not path.exists():
        _make(path)
    try:
        stored = json.loads(path.read_text())
        signing_key, session_secret = stored["token_signing_key"], stored["session_secret"]
        public_key = public_key_of(signing_key)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be used ({error}); remove it to get new keys") from error
    return {
        "TOKEN_SIGNING_KEY": signing_key,
        "TOKEN_PUBLIC_KEYS": public_key,
        "SESSION_SECRET": session_secret,
        "WEB_SECRET": hashlib.sha256(f"web {session_secret}".encode()).hexdigest(),
    }


def _make(path: Path) -> None:
    """Writes a new file of keys, unless another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"token_signing_key": generate_signing_key(), "session_secret": secrets.token_urlsafe(48)}
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "w") as file:
            json.dump(made, file)
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
