"""The codebase stays readable: short functions, short files, rules without a clock, no vague names."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import codebase

PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded")
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_RPC, LARGEST_CHASSIS = 300, 25, 12, 2800
FEW_STATEMENTS = 6
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((codebase.ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]


def name_of(path: Path) -> str:
    """Its path from the root."""
    return path.relative_to(codebase.ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def is_a_table(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it only writes something down: a few statements, nested in nothing."""
    plain = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)
    return len(function.body) <= FEW_STATEMENTS and all(isinstance(s, plain) for s in function.body)


def lines_of_code(path: Path) -> int:
    """Lines that hold code: neither blank, nor comment, nor docstring."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose = {
        line
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    lines = enumerate(path.read_text().splitlines(), 1)
    return sum(1 for n, line in lines if n not in prose and line.strip() and line.strip()[0] != "#")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    only_data = not list(functions(path))
    assert only_data or len(path.read_text().splitlines()) <= LONGEST_FILE
    long = {f.name: length(f) for f in functions(path) if length(f) > LONGEST_FUNCTION and not is_a_table(f)}
    assert long == {}


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_rpc_methods_load_decide_save_and_answer_in_a_few_lines(service: str) -> None:
    path = codebase.ROOT / "services" / service / "service.py"
    decorated = [
        f
        for f in functions(path)
        if any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "rpc" for d in f.decorator_list)
    ]
    assert decorated
    assert {f.name: length(f) for f in decorated if length(f) > LONGEST_RPC} == {}


def test_the_chassis_stays_small() -> None:
    lines = sum(lines_of_code(path) for path in (codebase.ROOT / "chassis").rglob("*.py"))
    assert lines < LARGEST_CHASSIS


def test_file_names_are_specific() -> None:
    assert [name_of(path) for path in SOURCES if path.stem in VAGUE] == []


def test_rules_do_not_read_a_clock() -> None:
    config = tomllib.loads((codebase.ROOT / "pyproject.toml").read_text())
    boundary = next(c for c in config["tool"]["importlinter"]["contracts"] if "rules" in c["name"])
    rules = [codebase.ROOT / f"{m.replace('.', '/')}.py" for m in boundary["source_modules"] if "*" not in m]
    assert rules
    for path in rules:
        called = {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
        assert not called & {"now", "utcnow", "today", "monotonic"}, name_of(path)
