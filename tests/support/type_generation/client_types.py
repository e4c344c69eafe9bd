"""The TypedDicts of the client's answers, made from the OpenAPI document."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.support.type_generation.typed_dicts import HEADER, Definition, Member, Module, import_line

PACKAGE = "client.resources"
SHARED = "shared"
DOCUMENT = "the OpenAPI document"
WRITTEN_BY_HAND = {"listing": ["Listing", "LiveEvent", "Actor", "PageLinks", "ServiceReference"]}
MODULE_OF_TAG = {"documents": "payments", "system": "help"}  # the others have the tag's own name
PLAIN_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
NOT_RESOURCES = {"ProblemDocument", "ProblemError"}
Part = Mapping[str, Any]


def client_files(document: Part) -> dict[str, str]:
    """The source of every generated module of `client/resources/`, by its file's name."""
    schemas: Part = document["components"]["schemas"]
    module_of = _modules_of(document)
    modules = {name: _Module(name, schemas, module_of).render() for name in sorted(set(module_of.values()))}
    return {"__init__.py": _package(module_of), **{f"{name}.py": text for name, text in modules.items()}}


def _modules_of(document: Part) -> dict[str, str]:
    """The module of every schema that answers use; those that several resources use are shared."""
    used_by: dict[str, set[str]] = defaultdict(set)
    schemas: Part = document["components"]["schemas"]
    for operation in (one for path in document["paths"].values() for one in path.values()):
        tag = operation["tags"][0]
        for name in _used(operation["responses"], schemas):
            used_by[name].add(MODULE_OF_TAG.get(tag, tag))
    return {
        name: next(iter(used_by[name])) if len(used_by[name]) == 1 else SHARED
        for name in schemas
        if name in used_by and name not in NOT_RESOURCES
    }


def _used(part: Any, schemas: Part) -> Iterator[str]:
    """The names of the schemas that a part of the document uses, nested ones too."""
    if isinstance(part, Mapping):
        if "$ref" in part and "/schemas/" in part["$ref"]:
            name = _name_in(part["$ref"])
            yield name
            yield from _used(schemas[name], schemas)
        for value in part.values():
            yield from _used(value, schemas)
    elif isinstance(part, list):
        for value in part:
            yield from _used(value, schemas)


def _name_in(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _package(module_of: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    for name, module in module_of.items():
        names[module].append(name)
    names |= WRITTEN_BY_HAND
    imports = [import_line(f"{PACKAGE}.{module}", names[module]) for module in sorted(names)]
    public = sorted(name for found in names.values() for name in found)
    exported = ["__all__ = [", *(f'    "{name}",' for name in public), "]", ""]
    header = HEADER.format(summary="The types of the API's answers.", source=DOCUMENT)
    return "\n".join([header, *imports, "", *exported])


class _Module:
    """Writes the TypedDicts of one module, each after those that it nests."""

    def __init__(self, name: str, schemas: Part, module_of: Mapping[str, str]) -> None:
        self._name, self._schemas, self._module_of = name, schemas, module_of
        summary = "The types that several resources share." if name == SHARED else f"The types of {name}."
        self._module = Module(summary, DOCUMENT)
        self._defined: set[str] = set()

    def render(self) -> str:
        """The module's source."""
        for name, module in self._module_of.items():
            if module == self._name:
                self._use(name)
        return self._module.render()

    def _use(self, name: str) -> str:
        module = self._module_of[name]
        if module != self._name:
            self._module.import_name(f"{PACKAGE}.{module}", name)
        elif name not in self._defined:
            self._defined.add(name)
            schema = self._schemas[name]
            required, properties = schema.get("required", ()), schema["properties"].items()
            members = tuple(Member(key, self._type_of(part), key in required) for key, part in properties)
            definition = Definition(name, schema.get("description", ""), members)
            self._module.definitions.append(definition)
        return name

    def _type_of(self, part: Part) -> str:
        if "$ref" in part:
            return self._use(_name_in(part["$ref"]))
        if "anyOf" in part:
            return " | ".join(self._type_of(one) for one in part["anyOf"])
        kinds: Iterable[str] = [part["type"]] if isinstance(part["type"], str) else part["type"]
        return " | ".join(self._plain_type(kind, part) for kind in kinds)

    def _plain_type(self, kind: str, part: Part) -> str:
        if kind == "array":
            return f"list[{self._type_of(part['items'])}]"
        if kind == "object":
            self._module.import_name("typing", "Any")
            return "dict[str, Any]"
        return PLAIN_TYPES[kind]
