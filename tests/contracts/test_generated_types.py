"""Types follow from the schemas: the generated modules are current, and the shared ones agree."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from marshmallow import Schema

from kit import types, validation
from kit.contracts import EventSchema
from tests.support import codebase
from tests.support.type_generation import generated_files
from tests.support.type_generation.contract_types import members_of

GENERATED = generated_files()
SHARED = [
    (types.Money, validation.Money),
    (types.Party, validation.Party),
    (types.Rating, validation.Rating),
    (types.EventEnvelope, EventSchema),
]


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.relative_to(codebase.ROOT).as_posix())
def test_generated_modules_are_current(path: Path) -> None:
    current = path.exists() and path.read_text() == GENERATED[path]
    assert current, f"{path.relative_to(codebase.ROOT)} differs from its source: run `make types`"


@pytest.mark.parametrize(("shared", "schema"), SHARED)
def test_shared_types_have_the_members_of_their_schemas(shared: Any, schema: type[Schema]) -> None:
    hints = get_type_hints(shared)
    named = {name: hint.__name__ if isinstance(hint, type) else str(hint) for name, hint in hints.items()}
    assert named == members_of(schema)
