"""What the codebase consists of, found by its folders, so that a new service cannot be forgotten."""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

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


def consumers_of(type_: str, body: dict[str, Any]) -> list[str]:
    """The services that an event is delivered to."""
    event = _events_by_type()[type_]
    return [consumer for consumer in event.consumers if event.is_for(consumer, body)]


@cache
def _events_by_type() -> dict[str, Event]:
    return {event.type: event for event in events()}
