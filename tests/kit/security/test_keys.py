"""Keys are read strictly, and an installation without any makes its own, the same at every start."""

import base64
from pathlib import Path

import pytest

from kit.security.keys import (
    DEMO_PUBLIC_KEY,
    FILE_NAME,
    generate_signing_key,
    is_demo_key,
    key_bytes,
    public_key_of,
    secrets_of,
    verifying_key_of,
)

RAW = base64.b64decode(DEMO_PUBLIC_KEY)
ANYBODY_SIGNS = ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "ed" + "ff" * 31]


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = secrets_of(tmp_path)
    assert secrets_of(tmp_path) == first
    assert first["TOKEN_PUBLIC_KEYS"] == public_key_of(first["TOKEN_SIGNING_KEY"])


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    secrets_of(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_every_installation_has_its_own(tmp_path: Path) -> None:
    assert secrets_of(tmp_path / "a") != secrets_of(tmp_path / "b")


def test_a_file_left_half_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).with_suffix(".1").write_text("{")
    assert secrets_of(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"token_signing_key": "x", "session_secret": "y"}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(ValueError, match=FILE_NAME):
        secrets_of(tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        DEMO_PUBLIC_KEY,
        DEMO_PUBLIC_KEY.rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        base64.urlsafe_b64encode(RAW).decode().rstrip("="),
        f" {DEMO_PUBLIC_KEY}\n",
        DEMO_PUBLIC_KEY[:-2] + chr(ord(DEMO_PUBLIC_KEY[-2]) + 1) + "=",  # the last digit's unused bits
    ],
)
def test_the_demos_key_is_known_however_it_is_written(written: str) -> None:
    assert is_demo_key(written)


@pytest.mark.parametrize("text", ["", "x", "no base64!", f"{DEMO_PUBLIC_KEY}!", RAW.hex(), "é" * 43])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not "):
        key_bytes(text)


@pytest.mark.parametrize("raw", ANYBODY_SIGNS)
def test_a_key_under_which_anybody_can_sign_is_none(raw: str) -> None:
    with pytest.raises(ValueError, match="anybody"):
        verifying_key_of(base64.b64encode(bytes.fromhex(raw)).decode())


def test_a_new_key_is_good() -> None:
    assert verifying_key_of(public_key_of(generate_signing_key())).public_bytes_raw()
