"""What a user is told is what the code does: the settings table, and the picture of the architecture."""

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import codebase

SETTINGS_CLASSES = (
    "kit.settings.Common",
    "kit.settings.Settings",
    "services.accounts.settings.AccountSettings",
    "services.catalog.settings.CatalogSettings",
    "services.messaging.settings.MessagingSettings",
    "services.orders.settings.OrderPeriods",
    "services.payments.settings.PaymentSettings",
    "services.reviews.settings.ReviewPeriods",
    "gateway.settings.GatewaySettings",
    "website.settings.WebSettings",
)


def settings() -> Iterator[tuple[str, str, str]]:
    """Every setting: its variable, its default and its meaning, once."""
    seen = set()
    for path in SETTINGS_CLASSES:
        module, name = path.rsplit(".", 1)
        for field in dataclasses.fields(getattr(importlib.import_module(module), name)):
            if field.name not in seen:
                seen.add(field.name)
                default = "(made)" if field.metadata["made"] else str(field.default)
                if field.metadata["secret"] and field.default:
                    default = "(trial)"
                yield field.name.upper(), default, field.metadata["meaning"]


@pytest.mark.parametrize(
    ("variable", "default", "meaning"), list(settings()), ids=lambda value: str(value)[:30]
)
def test_every_setting_is_in_the_operations_page(
    repository: Path, variable: str, default: str, meaning: str
) -> None:
    page = (repository / "docs" / "operations.md").read_text()
    shown = f"`{default}`" if default and default[0] != "(" else default or "–"
    assert f"| `{variable}` | {shown} | {meaning} |" in page


def _defined_in(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(line, ast.AnnAssign)
            and isinstance(line.value, ast.Call)
            and getattr(line.value.func, "id", "") in ("setting", "_setting")
            for line in node.body
        ):
            yield f"{'.'.join(path.relative_to(codebase.ROOT).with_suffix('').parts)}.{node.name}"


def test_every_settings_class_is_looked_at(repository: Path) -> None:
    folders = ("kit", "chassis", "services", "gateway", "website", "cli", "embedded")
    sources = [path for folder in folders for path in (repository / folder).rglob("*.py")]
    assert {name for path in sources for name in _defined_in(path)} == set(SETTINGS_CLASSES)


def test_every_link_in_the_documents_leads_somewhere(repository: Path) -> None:
    for page in (*repository.glob("*.md"), *(repository / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", page.read_text()):
            assert (page.parent / "".join(target)).exists(), f"{page.name} links to {target}"


def test_the_map_in_the_readme_names_every_package(repository: Path) -> None:
    readme = (repository / "README.md").read_text()
    for package in sorted(path.parent.name for path in repository.glob("*/__init__.py")):
        assert f"{package}/" in readme
