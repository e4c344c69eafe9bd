"""The client is a package of its own: installed alone, it imports without the rest of the codebase."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from email import message_from_string
from pathlib import Path

import pytest

from tests.support import codebase

OTHER_PACKAGES = ("kit", "chassis", "services", "gateway", "website", "cli", "embedded")
PROGRAM = """
import importlib, importlib.util, pkgutil, sys
target, libraries, *others = sys.argv[1:]
sys.path.insert(0, target)
sys.path.append(libraries)
import client
assert client.__file__.startswith(target), client.__file__
assert [name for name in others if importlib.util.find_spec(name)] == []
for module in pkgutil.walk_packages(client.__path__, "client."):
    importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name.startswith("client.")))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder into which the client was installed."""
    folder = tmp_path_factory.mktemp("client")
    source, target = folder / "source" / "client", folder / "site"
    shutil.copytree(codebase.ROOT / "client", source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target", str(target)]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)], check=True, capture_output=True
    )
    return target


def test_every_module_imports_with_nothing_else_of_ours_on_the_path(installed: Path) -> None:
    libraries = sysconfig.get_path("purelib")
    isolated = [sys.executable, "-I", "-S", "-c", PROGRAM, str(installed), libraries, *OTHER_PACKAGES]
    ran = subprocess.run(isolated, check=True, capture_output=True, text=True)
    in_the_codebase = {
        ".".join(path.relative_to(codebase.ROOT).with_suffix("").parts)
        for path in (codebase.ROOT / "client").rglob("*.py")
        if path.stem != "__init__"
    }
    assert in_the_codebase <= set(ran.stdout.split())
    assert (installed / "client" / "py.typed").exists()


def test_it_needs_aiohttp_only_and_has_the_version_of_the_codebase(installed: Path) -> None:
    (description,) = installed.glob("microtasks_client-*.dist-info/METADATA")
    metadata = message_from_string(description.read_text())
    project = tomllib.loads((codebase.ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Version"] == project["version"]
    assert [need.split(">")[0].split("<")[0] for need in metadata.get_all("Requires-Dist", [])] == ["aiohttp"]
