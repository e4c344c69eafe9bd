"""An embedded marketplace signs with keys of its own, the same at every start."""

from pathlib import Path

import pytest

from embedded.keys import FILE_NAME, secrets_of
from kit.settings import BadSetting
from kit.tokens import public_key_of


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = secrets_of(tmp_path)
    assert secrets_of(tmp_path) == first
    assert first["TOKEN_PUBLIC_KEYS"] == public_key_of(first["TOKEN_SIGNING_KEY"])


def test_every_marketplace_has_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    assert secrets_of(folders[0]) != secrets_of(folders[1])


def test_a_file_left_half_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).with_suffix(".new").write_text("{")
    assert secrets_of(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", '{"token_signing_key": "x", "session_secret": "y"}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(BadSetting, match=FILE_NAME):
        secrets_of(tmp_path)
