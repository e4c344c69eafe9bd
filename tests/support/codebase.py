"""What the codebase consists of, found by its folders, so that a new service cannot be forgotten."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from kit.contracts import Event, Rpc, events_of, rpcs_of

ROOT = Path(__file__).resolve().parents[2]
SERVICES = tuple(sorted(path.parent.name for path in ROOT.glob("services/*/contract.py")))


def contract_of(service: str) -> ModuleType:
    """A service's contract module."""
    return importlib.import_module(f"services.{service}.contract")


def rpcs() -> Iterator[Rpc]:
    """Every method of every contract."""
    for service in SERVICES:
        yield from rpcs_of(contract_of(service))


def events() -> Iterator[Event]:
    """Every event of every contract."""
    for service in SERVICES:
        yield from events_of(contract_of(service))
