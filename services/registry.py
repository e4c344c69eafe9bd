"""Which services there are."""

from functools import cache
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


@cache
def audiences() -> tuple[str, ...]:
    """Whom a token may be for inside: each service, and each method called on somebody's behalf."""
    methods = (rpc for name in NAMES for rpc in rpcs_of(contract_of(name)) if rpc.on_behalf)
    return (*NAMES, *(rpc.routing_key for rpc in methods))


def all_events() -> list[Event]:
    """Every event that any service publishes."""
    return [event for name in NAMES for event in events_of(contract_of(name))]
