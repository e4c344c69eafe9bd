"""Every call has an owner that answers it with that signature, and no service waits for its caller."""

import ast
import functools
import importlib
import inspect
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from marshmallow import Schema

from chassis.contracts import Rpc, rpcs_of
from chassis.remote import Remote
from tests import house


def service_class(service: str) -> type:
    """The Nameko class of a service."""
    module = importlib.import_module(f"services.{service}.service")
    found = [c for c in vars(module).values() if isinstance(c, type) and getattr(c, "name", None) == service]
    assert len(found) == 1, f"{module.__name__} must hold exactly one class named {service!r}: {found}"
    return found[0]


def answering(service: str) -> dict[str, Any]:
    """The methods that answer calls, by the name of the contract they answer."""
    methods = inspect.getmembers(service_class(service), inspect.isfunction)
    return {
        entrypoint.contract.method: method
        for _name, method in methods
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(getattr(entrypoint, "contract", None), Rpc)
    }


class CallSite(NamedTuple):
    """A place in the code that names a contract and gives it keyword arguments."""

    place: str
    contract: Rpc
    keywords: frozenset[str]
    is_complete: bool


def _resolve(expression: ast.expr, module: ModuleType) -> object:
    if isinstance(expression, ast.Name):
        return getattr(module, expression.id, None)
    if isinstance(expression, ast.Attribute):
        return getattr(_resolve(expression.value, module), expression.attr, None)
    return None


def _calls_in(path: Path) -> Iterator[CallSite]:
    name = ".".join(path.relative_to(house.ROOT).with_suffix("").parts)
    tree = ast.parse(path.read_text())
    module = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and node.keywords:
            module = module or importlib.import_module(name)
            contract = next((c for a in node.args if isinstance(c := _resolve(a, module), Rpc)), None)
            if contract is not None:
                given = frozenset(k.arg for k in node.keywords if k.arg)
                open_ended = any(k.arg is None for k in node.keywords)
                yield CallSite(f"{name}:{node.lineno}", contract, given, not open_ended)


@functools.cache
def remote_calls() -> tuple[CallSite, ...]:
    """Every call between services."""
    paths = sorted(house.ROOT.glob("services/*/*.py"))
    return tuple(call for path in paths for call in _calls_in(path))


def required(schema: type[Schema]) -> set[str]:
    """The arguments nobody may leave out."""
    return {name for name, field in schema().fields.items() if field.required}


@pytest.mark.parametrize("contract", list(house.rpcs()), ids=lambda contract: contract.routing_key)
def test_every_promised_method_is_answered_by_its_owner_with_those_arguments(contract: Rpc) -> None:
    method = answering(contract.service).get(contract.method)
    assert method is not None, f"nobody answers {contract.routing_key}"
    parameters = list(inspect.signature(method).parameters.values())[1:]
    promised = set(contract.arguments().fields)
    named = {p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    assert named <= promised, f"{contract.routing_key} takes what its contract does not name"
    assert takes_any or named == promised, f"{contract.routing_key} leaves arguments out"


@pytest.mark.parametrize("service", house.SERVICES)
def test_a_service_answers_nothing_that_its_contract_does_not_promise(service: str) -> None:
    promised = {contract.method for contract in house.rpcs() if contract.service == service}
    assert set(answering(service)) == promised


def test_every_contract_belongs_to_the_service_whose_folder_it_is_in() -> None:
    for service in house.SERVICES:
        assert {c.service for c in rpcs_of(house.contract_of(service))} == {service}


def test_calls_between_services_give_the_arguments_the_contract_asks_for() -> None:
    assert remote_calls(), "orders asks the catalog for its offer, so there is at least one call"
    for call in remote_calls():
        unknown = call.keywords - set(call.contract.arguments().fields)
        assert not unknown, f"{call.place} gives {call.contract.routing_key} unknown arguments: {unknown}"
        missing = required(call.contract.arguments) - call.keywords
        assert not (call.is_complete and missing), f"{call.place} leaves out {missing}"


def test_services_ask_each_other_in_one_direction_only() -> None:
    asked = {
        service: {r.service for r in vars(service_class(service)).values() if isinstance(r, Remote)}
        for service in house.SERVICES
    }
    assert all(targets <= set(house.SERVICES) for targets in asked.values()), asked
    TopologicalSorter(asked).prepare()  # raises CycleError


def test_every_result_that_changes_something_is_asked_for_with_an_idempotency_key() -> None:
    reading = ("get_", "list_", "search_", "count_")
    for contract in house.rpcs():
        assert contract.mutates is not contract.method.startswith(reading), contract.routing_key
