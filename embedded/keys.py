"""The secrets of an embedded marketplace: made at its first start, kept with its data."""

import hashlib
import json
import os
import secrets
from pathlib import Path

from kit.settings import BadSetting
from kit.tokens import public_key_of
from services.accounts.signing import generate_signing_key

FILE_NAME = "keys.json"


def secrets_of(data_dir: Path) -> dict[str, str]:
    """The settings that hold secrets, by variable name; only the owner may read their file.

    Raises: BadSetting when the file is there but cannot be used.
    """
    path = data_dir / FILE_NAME
    if not path.exists():
        _write(path)
    try:
        kept = json.loads(path.read_text())
        signing_key, session_secret = kept["token_signing_key"], kept["session_secret"]
        public_key = public_key_of(signing_key)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadSetting(f"{path} cannot be used ({error}); remove it to get new keys") from error
    return {
        "TOKEN_SIGNING_KEY": signing_key,
        "TOKEN_PUBLIC_KEYS": public_key,
        "SESSION_SECRET": session_secret,
        "WEB_SECRET": hashlib.sha256(f"web {session_secret}".encode()).hexdigest(),
    }


def _write(path: Path) -> None:
    made = {"token_signing_key": generate_signing_key(), "session_secret": secrets.token_urlsafe(48)}
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        json.dump(made, file)
    unfinished.rename(path)
