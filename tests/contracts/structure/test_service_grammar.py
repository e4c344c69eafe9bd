"""Every service has the same files, and its code calls downwards: service, commands, queries, rules."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import codebase

SERVICES = codebase.ROOT / "services"
REQUIRED = {"contract.py", "service.py", "models.py", "rendering.py", "queries.py", "types.py"}
REQUIRED |= {"commands", "migrations"}
OPTIONAL = {"access.py", "projections.py", "settings.py", "__init__.py"}

# What a service has besides, with the reason: rules and subjects that have a name of their own.
SUBJECTS: dict[str, dict[str, str]] = {
    "accounts": {
        "credentials": "passwords, tokens and attempts: rules and their storage",
        "emails.py": "the rule of e-mail addresses",
        "reserved_names.py": "the rule of display names",
        "security_events.py": "the log that owners read of their account",
        "statements.py": "SQL of several lines",
    },
    "catalog": {
        "indexing.py": "the search terms that are stored with a service",
        "search.py": "the search is a subject",
        "sorting.py": "the orders of lists",
        "text_analysis": "the rules of search terms",
    },
    "messaging": {"notifications.py": "which event notifies whom, and in which words"},
    "orders": {
        "lifecycle.py": "the transition table",
        "refusals.py": "the errors of the transition table",
        "submission.py": "the rule of a new order",
    },
    "payments": {
        "ledger": "the rules of double entry and their storage",
        "lifecycle.py": "the four transition tables",
        "payment_context.py": "database, processor and settings of a command",
        "processors": "what moves money outside",
        "receivables.py": "what orders owe",
        "rows.py": "the rows that commands lock in one order",
    },
    "reviews": {
        "ratings.py": "the rule of ratings",
        "reviewable_orders.py": "what of an order decides about its review",
    },
}

MOST_STATEMENTS = 3
# Lower layers import no higher one.
LAYERS = ("service", "commands", "projections", "queries", "rendering")


def entries(service: str) -> set[str]:
    """The files and folders of a service."""
    return {path.name for path in (SERVICES / service).iterdir() if path.name != "__pycache__"}


def nameko_class(service: str) -> ast.ClassDef:
    """The class that Nameko runs."""
    tree = ast.parse((SERVICES / service / "service.py").read_text())
    name = f"{service.capitalize()}Service"
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def methods(service: str) -> Iterator[ast.FunctionDef]:
    """The methods of the class that Nameko runs."""
    return (node for node in nameko_class(service).body if isinstance(node, ast.FunctionDef))


def statements(function: ast.FunctionDef) -> int:
    """How many statements a function has, nested ones included, its docstring aside."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return sum(isinstance(node, ast.stmt) for statement in body for node in ast.walk(statement))


def layer_of(module: str, service: str) -> str | None:
    """The layer of a service's module, if it is in one."""
    prefix = f"services.{service}."
    name = module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else ""
    return name if name in LAYERS else None


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, as dotted names; names imported from a package as its modules."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward_imports(service: str) -> Iterator[tuple[str, str]]:
    """The imports of a higher layer by a lower one, as (file, module)."""
    for path in sorted((SERVICES / service).rglob("*.py")):
        relative = path.relative_to(codebase.ROOT)
        own = layer_of(".".join(relative.with_suffix("").parts), service)
        for module in imports(path):
            other = layer_of(module, service)
            above = LAYERS[: LAYERS.index(own)] if own is not None else ("service", "commands")
            if other in above:
                yield relative.as_posix(), f"services.{service}.{other}"


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_has_the_files_of_the_grammar_and_its_subjects(service: str) -> None:
    found = entries(service)
    assert found >= REQUIRED
    others = found - REQUIRED - OPTIONAL - SUBJECTS[service].keys()
    assert others == set()
    assert SUBJECTS[service].keys() <= found


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_entry_points_only_delegate(service: str) -> None:
    long = {method.name for method in methods(service) if statements(method) > MOST_STATEMENTS}
    assert long == set()


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_the_nameko_class_has_entry_points_only(service: str) -> None:
    helpers = {method.name for method in methods(service) if method.name.startswith("_")}
    helpers |= {method.name for method in methods(service) if not method.decorator_list}
    assert helpers == set()


def test_imports_lead_downwards() -> None:
    found = {edge for service in codebase.SERVICES for edge in upward_imports(service)}
    assert found == set()


def test_an_import_upwards_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = tmp_path / "services" / "orders" / "queries.py"
    queries.parent.mkdir(parents=True)
    queries.write_text("from services.orders.commands import take_step\n")
    monkeypatch.setattr(codebase, "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "SERVICES", tmp_path / "services")
    assert set(upward_imports("orders")) == {("services/orders/queries.py", "services.orders.commands")}


def test_a_long_entry_point_is_found() -> None:
    function = ast.parse(
        'def f():\n    """It."""\n    a = 1\n    if a:\n        return 2\n    return 3'
    ).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert statements(function) > MOST_STATEMENTS
