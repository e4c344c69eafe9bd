"""Private parts of libraries are touched in `patches.py` files alone, where each has its reason."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import codebase

PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded")
PATCHES = "patches.py"
# Names with an underscore that their libraries document for inheritors or callers.
DOCUMENTED = {
    "_deserialize",  # marshmallow: custom fields
    "_serialize",
    "_collect",  # kombu: Connection.collect
}

Finding = tuple[int, str]


def is_private(name: str) -> bool:
    """Whether a name is its library's own business."""
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def third_party_names(tree: ast.Module) -> dict[str, str]:
    """The names that a module binds to libraries or parts of them, with what each stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                found[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    ours = {*PACKAGES, "tests", *sys.stdlib_module_names}
    return {name: target for name, target in found.items() if target.partition(".")[0] not in ours}


def root_of(node: ast.expr) -> str | None:
    """The name at the beginning of a chain of attributes."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def resolve(dotted: str) -> object:
    """The object that a dotted name stands for, None when there is none."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found
    return None


def used_from_base(node: ast.ClassDef, names: dict[str, str]) -> Iterator[Finding]:
    """Private attributes of library classes that a class overrides or reads by way of `self`."""
    targets = [
        names[root] + ast.unparse(base)[len(root) :]
        for base in node.bases
        if (root := root_of(base)) in names
    ]
    bases = [base for base in map(resolve, targets) if base is not None]
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            name = part.name
        elif isinstance(part, ast.Attribute) and root_of(part) == "self":
            name = part.attr
        else:
            continue
        if is_private(name) and any(hasattr(base, name) for base in bases):
            yield part.lineno, f"{node.name} uses {name} of its base class"


def private_imports(node: ast.ImportFrom, libraries: set[str]) -> Iterator[Finding]:
    """Private modules and names that a statement imports from libraries."""
    module = node.module or ""
    if module.partition(".")[0] in libraries:
        for name in (*module.split("."), *(alias.name for alias in node.names)):
            if is_private(name):
                yield node.lineno, f"imports {name} of {module}"


def private_hooks(source: str) -> Iterator[Finding]:
    """Every private part of a library that a module uses, and every part of one that it replaces."""
    tree = ast.parse(source)
    names = third_party_names(tree)
    libraries = {target.partition(".")[0] for target in names.values()}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from private_imports(node, libraries)
        elif isinstance(node, ast.ClassDef):
            yield from used_from_base(node, names)
        elif isinstance(node, ast.Attribute) and root_of(node) in names:
            if is_private(node.attr):
                yield node.lineno, f"uses {ast.unparse(node)}"
            if isinstance(node.ctx, ast.Store):
                yield node.lineno, f"replaces {ast.unparse(node)}"


def hooks_by_file(package: str) -> dict[str, list[Finding]]:
    """What the files of a package touch, those that touch nothing left out."""
    found: dict[str, list[Finding]] = {}
    for path in sorted((codebase.ROOT / package).rglob("*.py")):
        if path.name != PATCHES and (hooks := sorted(set(private_hooks(path.read_text())))):
            found[path.relative_to(codebase.ROOT).as_posix()] = hooks
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from aiohttp.web import _run_app", 1),
        ("from kombu import _x as x", 1),
        ("import eventlet.hubs\neventlet.hubs._threadlocal", 1),
        ("from amqp import method_framing\nmethod_framing.Message = object", 1),
        ("from environs import Env\nclass Own(Env):\n    def _get_value(self): ...", 1),
        (
            "from aiohttp import web\nclass Own(web.Server):\n    def f(self):\n        self._make_request",
            1,
        ),
        ("from marshmallow import fields\nclass Own(fields.String):\n    def _deserialize(self): ...", 0),
        ("import os\nos._exit(1)", 0),
        ("from aiohttp import web\nclass Own(web.Server):\n    def f(self):\n        return self._own", 0),
    ],
)
def test_private_hooks_are_found(source: str, count: int) -> None:
    assert len(list(private_hooks(source))) == count


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_but_patches_touches_private_parts_of_libraries(package: str) -> None:
    assert hooks_by_file(package) == {}


def test_every_patch_states_its_reason() -> None:
    patches = [path for package in PACKAGES for path in (codebase.ROOT / package).rglob(PATCHES)]
    assert patches
    for path in patches:
        tree = ast.parse(path.read_text())
        tops = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        undocumented = [
            node.name for node in tops if not ast.get_docstring(node) and not is_private(node.name)
        ]
        assert (bool(ast.get_docstring(tree)), undocumented) == (True, []), _name(path)


def _name(path: Path) -> str:
    return path.relative_to(codebase.ROOT).as_posix()
