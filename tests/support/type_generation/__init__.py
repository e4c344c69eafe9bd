"""Generates the modules of types that follow from contracts, so that no type is stated twice."""

from pathlib import Path

from tests.support import codebase
from tests.support.type_generation.contract_types import types_of


def generated_files() -> dict[Path, str]:
    """Every generated file with the text that it is to have."""
    folder = codebase.ROOT / "services"
    return {folder / service / "types.py": types_of(service) for service in codebase.SERVICES}
