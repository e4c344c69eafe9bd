"""Generates the modules of types that follow from contracts, so that no type is stated twice."""

from pathlib import Path

from gateway.app import ROUTES
from gateway.routing.openapi import document_of
from tests.support import codebase
from tests.support.type_generation.client_types import client_files
from tests.support.type_generation.contract_types import types_of


def generated_files() -> dict[Path, str]:
    """Every generated file with the text that it is to have."""
    services, client = codebase.ROOT / "services", codebase.ROOT / "client" / "resources"
    return {
        **{services / service / "types.py": types_of(service) for service in codebase.SERVICES},
        **{client / name: text for name, text in client_files(document_of(ROUTES)).items()},
    }
