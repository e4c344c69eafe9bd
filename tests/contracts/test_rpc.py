"""Every call has an owner that answers it with that signature, and no service waits for its caller."""

import ast
import functools
import importlib
import inspect
from collections.abc import Iterator
from graphlib import TopologicalSorter
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from marshmallow import Schema

from chassis.amqp.rpc_client import ServiceClient
from gateway.app import ROUTES
from gateway.routing.route import Route
from kit.contracts import Rpc, rpcs_of
from tests.support import codebase


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
    spread: tuple[str, ...]  # what follows each `**`


def _resolve(expression: ast.expr, module: ModuleType) -> object:
    if isinstance(expression, ast.Name):
        return getattr(module, expression.id, None)
    if isinstance(expression, ast.Attribute):
        return getattr(_resolve(expression.value, module), expression.attr, None)
    return None


def calls_in(tree: ast.AST, module: ModuleType) -> Iterator[CallSite]:
    """The calls whose positional arguments name a contract."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            contract = next((c for a in node.args if isinstance(c := _resolve(a, module), Rpc)), None)
            if contract is not None:
                given = frozenset(k.arg for k in node.keywords if k.arg)
                spread = tuple(ast.unparse(k.value) for k in node.keywords if k.arg is None)
                yield CallSite(f"{module.__name__}:{node.lineno}", contract, given, spread)


@functools.cache
def remote_calls() -> tuple[CallSite, ...]:
    """Every call between services, in a service or in a module that services share."""
    found = []
    for path in sorted(codebase.ROOT.glob("services/**/*.py")):
        if "contract" in path.read_text() and not {"migrations", "env.py"} & set(path.parts):
            module = importlib.import_module(".".join(path.relative_to(codebase.ROOT).with_suffix("").parts))
            calls = calls_in(ast.parse(path.read_text()), module)
            found += [
                call for call in calls if call.contract.service != path.relative_to(codebase.ROOT).parts[1]
            ]
    return tuple(found)


def required(schema: type[Schema]) -> set[str]:
    """The arguments nobody may leave out."""
    return {name for name, field in schema().fields.items() if field.required}


@pytest.mark.parametrize("contract", list(codebase.rpcs()), ids=lambda contract: contract.routing_key)
def test_every_promised_method_is_answered_by_its_owner_with_those_arguments(contract: Rpc) -> None:
    method = answering(contract.service).get(contract.method)
    assert method is not None, f"nobody answers {contract.routing_key}"
    parameters = list(inspect.signature(method).parameters.values())[1:]
    promised = set(contract.arguments().fields)
    named = {p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    assert named <= promised, f"{contract.routing_key} takes what its contract does not name"
    assert takes_any or named == promised, f"{contract.routing_key} leaves arguments out"


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_answers_nothing_that_its_contract_does_not_promise(service: str) -> None:
    promised = {contract.method for contract in codebase.rpcs() if contract.service == service}
    assert set(answering(service)) == promised


def test_every_contract_belongs_to_the_service_whose_folder_it_is_in() -> None:
    for service in codebase.SERVICES:
        assert {c.service for c in rpcs_of(codebase.contract_of(service))} == {service}


def assert_arguments_fit(call: CallSite, given: set[str]) -> None:
    """Nothing the contract does not know, and everything it asks for."""
    unknown = given - set(call.contract.arguments().fields)
    assert not unknown, f"{call.place} gives {call.contract.routing_key} unknown arguments: {unknown}"
    missing = required(call.contract.arguments) - given
    assert not missing, f"{call.place} leaves out {missing}"


def test_calls_between_services_give_the_arguments_the_contract_asks_for() -> None:
    assert remote_calls(), "orders asks the catalog for its offer, so there is at least one call"
    for call in remote_calls():
        assert not call.spread, f"{call.place} cannot be checked"
        assert_arguments_fit(call, set(call.keywords))


ROUTES_THAT_CALL = [route for route in ROUTES if "context.call(" in inspect.getsource(route.handler)]


@pytest.mark.parametrize("route", ROUTES_THAT_CALL, ids=lambda route: f"{route.method} {route.path}")
def test_the_gateway_gives_each_call_the_arguments_its_contract_asks_for(route: Route) -> None:
    module = importlib.import_module(route.handler.__module__)
    calls = list(calls_in(ast.parse(inspect.getsource(route.handler)), module))
    assert calls, "a route names the contract that it calls"
    sources = {"context.body": route.body, "context.query": route.query}
    for call in calls:
        given = set(call.keywords)
        for name in call.spread:
            schema = sources[name]
            assert schema is not None, f"{call.place} spreads {name}, which its route does not have"
            given |= set(schema().fields)
        assert_arguments_fit(call, given)


def test_the_gateway_reaches_every_method_that_is_not_for_services_alone() -> None:
    modules = {importlib.import_module(route.handler.__module__) for route in ROUTES}
    called = {call.contract for m in modules for call in calls_in(ast.parse(inspect.getsource(m)), m)}
    inside = {"catalog.get_offer", "accounts.list_revocations"}
    assert {c.routing_key for c in codebase.rpcs()} - {c.routing_key for c in called} == inside


def test_services_ask_each_other_in_one_direction_only() -> None:
    asked = {
        service: {r.service for r in vars(service_class(service)).values() if isinstance(r, ServiceClient)}
        for service in codebase.SERVICES
    }
    assert all(targets <= set(codebase.SERVICES) for targets in asked.values()), asked
    TopologicalSorter(asked).prepare()  # raises CycleError


def test_every_result_that_changes_something_is_asked_for_with_an_idempotency_key() -> None:
    reading = ("get_", "list_", "search_", "count_")
    for contract in codebase.rpcs():
        assert contract.mutates is not contract.method.startswith(reading), contract.routing_key
