"""Whatever a client can send has a maximum, in every contract and in the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from apispec import APISpec

from gateway.app import ROUTES
from gateway.contracts import CONTRACTS
from gateway.routing.openapi import DocumentPlugin, document_of
from kit.contracts import rpcs_of

DOCUMENT = document_of(ROUTES)
BOUNDED_BY_THE_BODY = {"take_stripe_webhook"}  # its body is signed as it is, and read by payments alone
BOUNDS = {
    "string": (("maxLength",),),
    "array": (("maxItems",),),
    "integer": (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")),
    "number": (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")),
}


def unbounded(schema: Any, components: dict[str, Any], path: str) -> Iterator[str]:
    """The places in a schema where a value of any size is accepted."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[-1]]
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    for part in parts:
        yield from unbounded(part, components, path)
    if "enum" not in schema and "const" not in schema:
        yield from (f"{path}: {what}" for what in _unbounded_itself(schema, bool(parts)))
    for name, part in schema.get("properties", {}).items():
        yield from unbounded(part, components, f"{path}.{name}")
    if "items" in schema:
        yield from unbounded(schema["items"], components, f"{path}[]")


def _unbounded_itself(schema: Any, is_made_of_parts: bool) -> Iterator[str]:
    types = schema.get("type", [])
    known = {types} if isinstance(types, str) else set(types)
    if not known and not is_made_of_parts:
        yield "anything"
    for kind in known:
        if any(not any(bound in schema for bound in either) for either in BOUNDS.get(kind, ())):
            yield kind
    if isinstance(schema.get("additionalProperties"), dict):
        yield "any names"


def test_the_walk_itself_finds_what_has_no_bound() -> None:
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": ["string", "null"]},
            "short": {"type": "string", "maxLength": 3},
            "list": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "any": {},
            "word": {"type": "string", "enum": ["a"]},
            "part": {"allOf": [{"$ref": "#/components/schemas/Part"}]},
        },
    }
    components = {"Part": {"type": "object", "properties": {"x": {"type": "number"}}}}
    assert set(unbounded(schema, components, "")) == {
        ".text: string", ".list: array", ".list[]: integer", ".any: anything", ".part.x: number",
    }  # fmt: skip


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_every_argument_of_every_method_has_a_maximum(contract: Any) -> None:
    for rpc in rpcs_of(contract):
        spec = APISpec(title="x", version="1", openapi_version="3.1.0", plugins=[DocumentPlugin()])
        spec.components.schema("Arguments", schema=rpc.arguments)
        components = spec.to_dict()["components"]["schemas"]
        assert list(unbounded(components["Arguments"], components, rpc.routing_key)) == []


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """The operations of the document, by their names."""
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def test_every_parameter_and_body_of_the_document_has_a_maximum() -> None:
    components = DOCUMENT["components"]["schemas"]
    found: list[str] = []
    for name, operation in operations():
        for parameter in operation["parameters"]:
            found += unbounded(parameter["schema"], components, f"{name} {parameter['name']}")
        content = operation.get("requestBody", {}).get("content", {})
        for media_type, body in content.items():
            if name not in BOUNDED_BY_THE_BODY:
                found += unbounded(body["schema"], components, f"{name} {media_type}")
    assert found == []


def test_the_document_says_the_limits() -> None:
    by_name = dict(operations())
    me = DOCUMENT["components"]["schemas"]["ChangeMeBody"]["properties"]
    assert (me["locale"]["maxLength"], me["time_zone"]["maxLength"]) == (35, 64)
    search = {p["name"]: p["schema"] for p in by_name["search_services"]["parameters"]}
    assert (search["q"]["maxLength"], search["category"]["maxLength"]) == (200, 100)
    assert (search["cursor"]["maxLength"], search["limit"]["maximum"]) == (1000, 100)
    order = {p["name"]: p["schema"] for p in by_name["submit_order"]["parameters"]}
    assert order["Idempotency-Key"]["maxLength"] == 255
