"""Which services there are."""

from importlib import import_module
from types import ModuleType
from typing import Any

from kit.contracts import Event, Rpc, events_of, rpcs_of

NAMES = ("accounts", "catalog", "orders", "messaging", "reviews", "payments")


def contract_of(service: str) -> ModuleType:
    """A service's contract module."""
    return import_module(f"services.{service}.contract")


def class_of(service: str) -> type[Any]:
    """A service's Nameko class; importing it needs a patched (green) process."""
    module = import_module(f"services.{service}.service")
    found: type[Any] = getattr(module, f"{service.capitalize()}Service")
    return found


def calls_of(service: str) -> list[Rpc]:
    """The methods of others that a service may call."""
    return [rpc for name in NAMES for rpc in rpcs_of(contract_of(name)) if service in rpc.callers]


def all_events() -> list[Event]:
    """Every event that any service publishes."""
    return [event for name in NAMES for event in events_of(contract_of(name))]
