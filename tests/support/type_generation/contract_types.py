"""The TypedDicts of a service's answers and events, made from the schemas of its contract."""

import inspect
from typing import Any

from marshmallow import Schema, fields

from kit import validation
from kit.contracts import EventSchema, events_of, rpcs_of
from tests.support import codebase
from tests.support.type_generation.typed_dicts import Definition, Member, Module

SHARED_TYPES = "kit.types"
ENVELOPE = "EventEnvelope"
PLAIN_TYPES: tuple[tuple[type[fields.Field[Any]], str], ...] = (
    (fields.String, "str"),
    (fields.Integer, "int"),
    (fields.Float, "float"),
    (fields.Boolean, "bool"),
)


def types_of(service: str) -> str:
    """The source of a service's `types.py`."""
    contract = codebase.contract_of(service)
    writer = _Writer(Module(f"The types of the {service} service's answers and events.", "contract.py"))
    for rpc in rpcs_of(contract):
        if rpc.result is not None:
            writer.name_of(rpc.result)
    for event in events_of(contract):
        writer.define_event(type(event.schema()))
    return writer.module.render()


def members_of(schema: type[Schema]) -> dict[str, str]:
    """The type of each member of a schema that nests no other."""
    writer = _Writer(Module("", ""))
    return {member.name: member.annotation for member in writer.members(schema)}


class _Writer:
    """Defines every schema once, after those that it nests."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._defined: set[type[Schema]] = set()

    def name_of(self, schema: type[Schema]) -> str:
        """The name of a schema's TypedDict, which is imported or defined at its first use."""
        name = schema.__name__
        if schema.__module__ == validation.__name__:
            self.module.import_name(SHARED_TYPES, name)
        elif schema not in self._defined:
            self._defined.add(schema)
            members = self.members(schema)
            self.module.definitions.append(Definition(name, _docstring(schema), members))
        return name

    def define_event(self, schema: type[Schema]) -> None:
        """Defines what the owner publishes, and with the envelope's members what consumers receive."""
        if schema in self._defined:
            return
        self._defined.add(schema)
        name, envelope = schema.__name__, EventSchema().fields
        own = tuple(member for member in self.members(schema) if member.name not in envelope)
        published = Definition(f"{name}Fields", f"The members of `{name}` besides the envelope's.", own)
        received = Definition(name, _docstring(schema), (), bases=(published.name, ENVELOPE))
        self.module.import_name(SHARED_TYPES, ENVELOPE)
        self.module.definitions += [published, received]

    def members(self, schema: type[Schema]) -> tuple[Member, ...]:
        """What a schema's values hold."""
        declared = schema().fields.items()
        return tuple(Member(name, self._type_of(one), one.required) for name, one in declared)

    def _type_of(self, field: fields.Field[Any]) -> str:
        found = self._bare_type_of(field)
        return f"{found} | None" if field.allow_none else found

    def _bare_type_of(self, field: fields.Field[Any]) -> str:
        if isinstance(field, fields.Nested):
            return self.name_of(type(field.schema))
        if isinstance(field, fields.List):
            return f"list[{self._type_of(field.inner)}]"
        if isinstance(field, fields.Dict):
            self.module.import_name(SHARED_TYPES, "JsonObject")
            return "JsonObject"
        return next(name for kind, name in PLAIN_TYPES if isinstance(field, kind))


def _docstring(schema: type[Schema]) -> str:
    return inspect.cleandoc(schema.__dict__.get("__doc__") or "")
