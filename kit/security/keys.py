"""Ed25519 keys in base64, and the generated secrets of a development installation."""

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
FILE_NAME = "keys.json"
# Earlier releases signed with the private half of this key outside of production, so it is public.
DEMO_PUBLIC_KEY = "a5L9ECMk+JIcoIeYCnjy/0a+AoG8PAyFjLoMWBe5GOc="
# https://cr.yp.to/ecdh.html#validate and RFC 8032, 5.1.7: under these keys anybody can forge a signature.
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
    """Returns the 32 bytes of a key in standard or URL-safe base64, with or without padding.

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
    """Returns the private key of a seed in base64. Raises: ValueError."""
    return Ed25519PrivateKey.from_private_bytes(key_bytes(text))


def verifying_key_of(text: str) -> Ed25519PublicKey:
    """Returns the public key in a text. Raises: ValueError, also for keys of small order."""
    decoded = key_bytes(text)
    if (decoded[:-1] + bytes([decoded[-1] & 0x7F])).hex() in _SMALL_ORDER:
        raise ValueError("a key under which anybody can sign")
    return Ed25519PublicKey.from_public_bytes(decoded)


def public_key_of(signing_key: str) -> str:
    """Returns the base64 public key of a signing key."""
    return base64.b64encode(signing_key_of(signing_key).public_key().public_bytes_raw()).decode()


def key_id(public_key: str) -> str:
    """Returns the `kid` of a public key."""
    return hashlib.sha256(key_bytes(public_key)).hexdigest()[:16]


def is_demo_key(public_key: str) -> bool:
    """Whether it is the public key that earlier releases shipped, in any notation."""
    return key_bytes(public_key) == key_bytes(DEMO_PUBLIC_KEY)


def generate_signing_key() -> str:
    """Returns a new signing key in the format of the settings."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def secrets_of(folder: Path) -> dict[str, str]:
    """Returns an installation's own secrets by the names of their settings; generates them at first use.

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
    """Writes a new file of keys, unless another process has written one."""
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
