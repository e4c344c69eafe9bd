"""The services, their contracts and their classes."""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from kit.contracts import Event, Rpc, events_of, rpcs_of

NAMES = ("accounts", "catalog", "orders", "messaging", "reviews", "payments")


def contract_of(service: str) -> ModuleType:
    """Returns a service's contract module."""
    return import_module(f"services.{service}.contract")


def class_of(service: str) -> type[Any]:
    """Returns a service's Nameko class; importing it needs a patched (green) process."""
    module = import_module(f"services.{service}.service")
    found: type[Any] = getattr(module, f"{service.capitalize()}Service")
    return found


def calls_of(service: str) -> list[Rpc]:
    """Returns the methods of other services that a service may call."""
    return [rpc for name in NAMES for rpc in rpcs_of(contract_of(name)) if service in rpc.callers]


@cache
def audiences() -> tuple[str, ...]:
    """Returns the audiences of internal tokens: each service, and each method called on a person's behalf."""
    methods = (rpc for name in NAMES for rpc in rpcs_of(contract_of(name)) if rpc.on_behalf)
    return (*NAMES, *(rpc.routing_key for rpc in methods))


def all_events() -> list[Event]:
    """Returns every event of every service."""
    return [event for name in NAMES for event in events_of(contract_of(name))]
