"""No module imports itself by way of others: type-checking and function-level imports are counted too."""

import ast
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import codebase

PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded")


@cache
def modules() -> dict[str, Path]:
    """Every module of the codebase and its file; a package is named without `__init__`."""
    paths = (path for package in PACKAGES for path in (codebase.ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(codebase.ROOT).with_suffix("").parts): path for path in paths}


def imported_modules(source: str, known: Container[str]) -> Iterator[str]:
    """The known modules that a module's text imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            candidates: list[tuple[str, ...]] = [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            candidates = [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
        else:
            continue
        for names in candidates:
            # `from package import module` imports the module; `from package import name` the package.
            variants = (variant for name in names for variant in (name, f"{name}.__init__"))
            yield from [variant for variant in variants if variant in known][:1]


def import_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {name: set(imported_modules(source, sources)) - {name} for name, source in sources.items()}


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """The modules that a module imports, directly or by way of others; itself only within a circle."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph[module]
    return found


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that import each other, each once."""
    reached = {module: reachable(graph, module) for module in graph}
    found: list[set[str]] = []
    for module in graph:
        if module in reached[module] and not any(module in circle for circle in found):
            found.append({other for other in reached[module] if module in reached[other]})
    return found


@cache
def circles_of_codebase() -> list[set[str]]:
    """Every circle among the modules of all packages."""
    return circles(import_graph({name: path.read_text() for name, path in modules().items()}))


def test_a_circle_is_found_however_it_is_imported() -> None:
    sources = {
        "room.first": "from room import second",
        "room.second": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from room.third import Name",
        "room.third": "def late() -> None:\n    import room.first",
        "room.fourth": "from room.first import Name",
    }
    assert circles(import_graph(sources)) == [{"room.first", "room.second", "room.third"}]
    assert circles(import_graph({**sources, "room.third": "import json"})) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    found = [circle for circle in circles_of_codebase() if any(m.split(".")[0] == package for m in circle)]
    assert found == []
