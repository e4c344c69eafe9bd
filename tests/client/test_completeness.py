"""The client has a method for every route the gateway serves to programs, typed as the contract says."""

import asyncio
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema, fields

from client import MarketplaceClient
from client.resources import Listing, Session
from gateway.app import ROUTES
from gateway.routing.route import Route

NOT_FOR_CLIENTS = {"take_stripe_webhook"}
VERSIONED = [
    route for route in ROUTES if route.path.startswith("/v1/") and route.operation_id not in NOT_FOR_CLIENTS
]
OF_THE_CLIENT = {"all_of", "close"}
IN_THE_PATH_OR_THE_HEADERS = {"key", "version", "service", "device_token"}
A_RESOURCE = {"id": "i", "version": 3}
Asked = dict[str, tuple[str, str, Any, Any]]


def _methods() -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(MarketplaceClient, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_") and name not in OF_THE_CLIENT}


class RecordingConnection:
    """Remembers the request, and answers just enough for the method to return."""

    base_url = ""

    def __init__(self) -> None:
        self.session: Session | None = typing.cast(Session, {"access_token": "a", "expires_in": 600})
        self.asked: tuple[str, str, Any, Any] | None = None

    def use(self, session: Session | None) -> None:
        self.session = session

    async def renew(self, stale_token: str) -> None:
        self.asked = ("POST", "/v1/sessions/refresh", {"refresh_token": "r"}, None)

    async def send(self, method: str, path: str, body: Any = None, query: Any = None, **_: Any) -> Any:
        self.asked = (method, path, body, query)
        return {"data": [], "page": {"next_cursor": None}, "count": 0, "expires_in": 600}


def _value(name: str, parameter: inspect.Parameter) -> Any:
    if name == "service":
        return A_RESOURCE
    if name == "format":
        return "pdf"
    return "customer" if name == "role" else name.upper() if parameter.annotation is str else 1


def _ask(name: str, method: Callable[..., Any]) -> tuple[str, str, Any, Any]:
    if name == "events":
        return "GET", "/v1/events", None, None
    client = MarketplaceClient("http://127.0.0.1:1")
    connection = RecordingConnection()
    client.connection = connection  # type: ignore[assignment]
    parameters = list(inspect.signature(method).parameters.items())[1:]
    plain = [(n, p) for n, p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    asyncio.run(method(client, **{n: _value(n, p) for n, p in plain}))
    assert connection.asked is not None
    return connection.asked


def _fits(route: Route, method: str, path: str) -> bool:
    wanted, given = route.path.split("/"), path.split("/")
    return (
        route.method == method
        and len(wanted) == len(given)
        and all(w == g or w.startswith("{") for w, g in zip(wanted, given, strict=True))
    )


def _route_of(method: str, path: str) -> Route:
    fitting = [route for route in VERSIONED if _fits(route, method, path)]
    assert fitting, f"{method} {path} is not served"
    return min(fitting, key=lambda route: route.path.count("{"))


ROUTE_OF = {name: _route_of(*_ask(name, method)[:2]) for name, method in _methods().items()}
METHOD_OF = {route.operation_id: name for name, route in ROUTE_OF.items()}


@pytest.mark.parametrize("route", VERSIONED, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_method(route: Route) -> None:
    assert route.operation_id in METHOD_OF


def test_no_two_methods_do_the_same() -> None:
    assert len(METHOD_OF) == len(ROUTE_OF)


def _accepted(method: Callable[..., Any]) -> set[str]:
    """The names a method takes, those of its keyword arguments' shape included."""
    names = set(inspect.signature(method).parameters) - {"self"}
    for name, parameter in inspect.signature(method).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            (shape,) = typing.get_args(parameter.annotation)
            names = (names - {name}) | set(typing.get_type_hints(shape))
    return names


@pytest.mark.parametrize("name", [name for name in ROUTE_OF if name != "refresh"])
def test_a_method_takes_what_the_route_takes(name: str) -> None:
    route, accepted = ROUTE_OF[name], _accepted(_methods()[name])
    if name in ("categories", "events"):
        return  # read whole
    wanted = set(route.query().fields) if route.query is not None else set()
    wanted |= set(route.body().fields) if route.body is not None else set()
    if name == "sandbox_action":
        wanted.remove("format")  # programs read JSON
    assert wanted <= accepted
    in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    extra = accepted - wanted - in_path - IN_THE_PATH_OR_THE_HEADERS - {"last_event_id"}
    assert not extra, "the route knows nothing of these"


def _schema_of(field: fields.Field[Any]) -> type[Schema] | None:
    inner = field.inner if isinstance(field, fields.List) else field
    return type(inner.schema) if isinstance(inner, fields.Nested) else None


def _bare(hint: Any) -> Any:
    """Without `| None`, `list[]` and the frame of a page."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
    return _bare(typing.get_args(hint)[0]) if typing.get_origin(hint) in (list, Listing) else hint


def _differences(shape: Any, schema: type[Schema], where: str) -> list[str]:
    hints, known = typing.get_type_hints(shape), schema().fields
    found = [f"{where}.{name}" for name in set(hints) ^ set(known)]
    for name in set(hints) & set(known):
        allows_none = type(None) in typing.get_args(hints[name])
        if allows_none != known[name].allow_none:
            found.append(f"{where}.{name} None")
        if (nested := _schema_of(known[name])) is not None:
            found += _differences(_bare(hints[name]), nested, f"{where}.{name}")
    return found


@pytest.mark.parametrize(
    "name", [name for name, route in ROUTE_OF.items() if route.response_schema and name != "unread_count"]
)
def test_an_answer_is_typed_as_the_contract_says(name: str) -> None:
    returned = _bare(typing.get_type_hints(_methods()[name])["return"])
    answer = ROUTE_OF[name].response_schema
    assert answer is not None
    assert _differences(returned, answer, name) == []


def test_every_method_says_what_it_does() -> None:
    assert all(inspect.getdoc(method) for method in _methods().values())
