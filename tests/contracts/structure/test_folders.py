"""No folder holds more than 15 source files: past that it wants sub-folders that name what they hold."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support import codebase

MOST_FILES = 15
PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded", "tests")


def large_folders(root: Path) -> set[str]:
    """The folders with too many source files, `__init__.py` and `conftest.py` aside."""
    counted = Counter(
        path.parent.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
        if path.name not in ("__init__.py", "conftest.py")
    )
    return {folder for folder, files in counted.items() if files > MOST_FILES}


def test_no_folder_is_a_heap() -> None:
    assert large_folders(codebase.ROOT) == set()


@pytest.mark.parametrize(("files", "found"), [(15, set()), (16, {"kit/deep"})])
def test_a_large_folder_is_found(tmp_path: Path, files: int, found: set[str]) -> None:
    folder = tmp_path / "kit" / "deep"
    folder.mkdir(parents=True)
    for name in ("__init__", "conftest", *(f"m{number}" for number in range(files))):
        (folder / f"{name}.py").touch()
    assert large_folders(tmp_path) == found
