"""Contracts: the RPC methods and events of a service, as data.

A `contract.py` holds constants of these two types; the gateway, the other services, `migrate`
and the contract tests all read the same constants.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, Final, TypeAlias

from marshmallow import EXCLUDE, Schema, fields

from kit.validation import Id, Timestamp

Outcomes: TypeAlias = tuple[int | str, ...]
EVERY: Final[Outcomes] = ("*",)
"""All outcomes of an event: the word that stands for any word in a binding."""


@cache
def _instance(schema: Callable[[], Schema]) -> Schema:
    # Building a schema copies all its fields; loading changes nothing in it.
    return schema()


@dataclass(frozen=True)
class Rpc:
    """One remote method.

    `arguments` validates the keyword arguments at the owner, `result` describes the answer
    (a page of `result` when `paged`). A method that `mutates` is always called with an
    idempotency key, so that running it again is harmless. `callers` are the services that may
    call it besides the gateway; with `on_behalf` it must know who called them.
    """

    service: str
    method: str
    arguments: type[Schema]
    result: type[Schema] | None = None
    mutates: bool = False
    paged: bool = False
    callers: tuple[str, ...] = ()
    on_behalf: bool = False

    @property
    def routing_key(self) -> str:
        """Nameko's routing key."""
        return f"{self.service}.{self.method}"

    def accept(self, arguments: Any) -> dict[str, Any]:
        """Validates the arguments of a call and returns them. Raises: marshmallow.ValidationError."""
        accepted: dict[str, Any] = _instance(self.arguments).load(arguments)
        return accepted


class EventSchema(Schema):
    """What every event carries; each contract adds its own fields."""

    event_id = Id(required=True)
    version = fields.Integer(required=True, strict=True)
    occurred_at = Timestamp(required=True)


@dataclass(frozen=True)
class Event:
    """One fact that `owner` publishes.

    `consumers` are the services that must never miss it: each has a durable queue and a
    handler named `on_<type>`. With `live`, gateways receive it too, on transient queues.

    `outcome` names the field of the body that says what happened. Its value ends the routing key
    (`payment_changed.paid`), and `consumers` maps each service to the outcomes it acts on, or to
    EVERY; others are not delivered to it.
    """

    owner: str
    type: str
    schema: Callable[[], EventSchema]
    consumers: Collection[str] | Mapping[str, Outcomes] = field(default=(), hash=False)
    live: bool = False
    version: int = 1
    outcome: str | None = None

    @property
    def handler(self) -> str:
        """The handler's method name. Part of a queue's name: never rename one."""
        return f"on_{self.type}"

    def outcomes_of(self, consumer: str) -> Outcomes:
        """The outcomes that one of the consumers acts on."""
        return self.consumers[consumer] if isinstance(self.consumers, Mapping) else EVERY

    def routing_key(self, body: Mapping[str, Any]) -> str:
        """The key that a body is published with: `<type>.<outcome>`, or the type alone."""
        outcome = None if self.outcome is None else body.get(self.outcome)
        return self.type if outcome is None else f"{self.type}.{outcome}"

    def binding_keys(self, outcomes: Outcomes = EVERY) -> tuple[str, ...]:
        """The keys of a queue that receives these outcomes.

        The type alone is always one of them: processes of earlier versions publish with it, and any
        outcome may be behind it.
        """
        words = () if self.outcome is None else outcomes
        return (self.type, *(f"{self.type}.{word}" for word in words))

    def is_for(self, consumer: str, body: Mapping[str, Any]) -> bool:
        """Whether a body is delivered to one of the consumers."""
        keys = self.binding_keys(self.outcomes_of(consumer))
        return self.routing_key(body) in keys or f"{self.type}.*" in keys

    def check(self, body: Any) -> None:
        """Checks that a body has exactly the fields of the contract.

        Raises: ValidationError.
        """
        _instance(self.schema).load(body)

    def load(self, message: Any) -> dict[str, Any]:
        """Returns a message as this event; fields that newer code added, at any depth, are left out.

        Raises: ValidationError, ValueError when the version is not the one known here.
        """
        if isinstance(message, dict) and message.get("version") != self.version:
            raise ValueError(f"version {message.get('version')!r} of {self.type} is not known here")
        event: dict[str, Any] = _forgiving_instance(self.schema).load(message)
        return event


@cache
def _forgiving_instance(schema: Callable[[], Schema]) -> Schema:
    return _forgiving(schema())


def _forgiving(schema: Schema) -> Schema:
    # `unknown` of a load does not reach nested schemas.
    schema.unknown = EXCLUDE
    for each in schema.fields.values():
        inner = each.inner if isinstance(each, fields.List) else each
        if isinstance(inner, fields.Nested):
            inner.unknown = EXCLUDE
            _forgiving(inner.schema)
    return schema


def rpcs_of(contract: ModuleType) -> Iterator[Rpc]:
    """The RPC methods a contract module declares."""
    return (value for value in vars(contract).values() if isinstance(value, Rpc))


def onward_methods(contracts: Iterable[ModuleType]) -> dict[str, tuple[str, ...]]:
    """For each service the methods it calls on its caller's behalf, by their routing keys."""
    found: dict[str, tuple[str, ...]] = {}
    for rpc in (rpc for contract in contracts for rpc in rpcs_of(contract) if rpc.on_behalf):
        for caller in rpc.callers:
            found[caller] = (*found.get(caller, ()), rpc.routing_key)
    return found


def events_of(contract: ModuleType) -> Iterator[Event]:
    """The events a contract module declares itself (imported ones are not its own)."""
    owner = contract.__name__.split(".")[-2]
    return (v for v in vars(contract).values() if isinstance(v, Event) and v.owner == owner)


def event_type_of(routing_key: str) -> str:
    """The type of an event that was published with a routing key."""
    return routing_key.partition(".")[0]
