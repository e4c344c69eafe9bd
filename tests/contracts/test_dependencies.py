"""What the code imports is declared in pyproject.toml, and pinned as the lock has it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.support import codebase

PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded")
OUR_PACKAGES = {*PACKAGES, "tests"}
PROJECT = tomllib.loads((codebase.ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DISTRIBUTIONS = packages_distributions()


def normalized(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> dict[str, str]:
    """The pinned version of each distribution."""
    parts = (requirement.partition("==") for requirement in requirements)
    return {normalized(name.partition("[")[0]): version for name, _, version in parts}


def third_party_imports(package: str) -> Iterator[tuple[str, str]]:
    """The top-level names that a package imports from elsewhere, with the file of each."""
    for path in sorted((codebase.ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                modules = [node.module]
            for top in {module.partition(".")[0] for module in modules}:
                if top not in OUR_PACKAGES and top not in sys.stdlib_module_names:
                    yield top, path.relative_to(codebase.ROOT).as_posix()


def is_declared(top: str, allowed: dict[str, str]) -> bool:
    """Whether one of the distributions that ship a module is declared."""
    return any(normalized(distribution) in allowed for distribution in DISTRIBUTIONS.get(top, ()))


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_every_import_is_a_declared_dependency(package: str) -> None:
    extras = {"embedded": ["embedded"], "tests": list(EXTRAS)}.get(package, [])
    allowed = declared([*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])])
    undeclared = {
        f"{file}: {top}" for top, file in third_party_imports(package) if not is_declared(top, allowed)
    }
    assert undeclared == set()


def test_the_lock_pins_what_is_declared() -> None:
    lock = (codebase.ROOT / "requirements.lock").read_text()
    pinned = {normalized(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.M)}
    for requirements in (PROJECT["dependencies"], *EXTRAS.values()):
        found = declared(requirements)
        assert found == {name: pinned.get(name) for name in found}


def test_the_lock_names_no_address() -> None:
    assert "://" not in (codebase.ROOT / "requirements.lock").read_text()
