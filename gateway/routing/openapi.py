"""The OpenAPI 3.1 document, generated from the routes and the schemas that validate requests."""

import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import INCLUDE, Schema, fields

from gateway.http.problems import MEDIA_TYPE
from gateway.routing.policies import Access, BodyFormat, IdempotencyKey, IfMatch, ResponseKind
from gateway.routing.route import Route
from kit.validation import MAX_ID_CHARACTERS, Id, Money, Timestamp
from services.payments.contract import MAX_ACTION_TOKEN_CHARACTERS

Part = dict[str, Any]
PROBLEM_REF = {"$ref": "#/components/responses/Problem"}
MAX_HEADER_CHARACTERS = 8190  # aiohttp refuses longer ones with 400
KEY_LIMITS = {"minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]*$"}
ID_LIMITS = {"maxLength": MAX_ID_CHARACTERS}
PATH_LIMITS: dict[str, Part] = {  # of path parameters that are not ids
    "month": {"minLength": 7, "maxLength": 7, "pattern": "^2[0-9]{3}-(0[1-9]|1[0-2])$"},
    "token": {"maxLength": MAX_ACTION_TOKEN_CHARACTERS},
    "file": {"maxLength": 64},
    "code": {"maxLength": 64},
}
DESCRIPTION = (
    "A marketplace for small services. Errors are problems (RFC 9457); lists are paged by opaque "
    "cursors; times are RFC 3339 in UTC; money is in minor units. Text that people write is stored in "
    "Unicode NFC and its length counted then; control characters, characters that turn the direction of "
    "text, and text in which nothing can be seen are refused, line breaks too where it is one line (422)."
)


class PageInfo(Schema):
    """Where the next page of a list starts."""

    next_cursor = fields.String(required=True, allow_none=True)
    has_more = fields.Boolean(required=True)


class ProblemError(Schema):
    """One bad value: in the body, the query or a header."""

    pointer = fields.String()
    parameter = fields.String()
    header = fields.String()
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemDocument(Schema):
    """A refusal. Some codes add members: a transition conflict says what is possible instead."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemError))
    current_status = fields.Integer()
    available_transitions = fields.List(fields.String())
    available_actions = fields.List(fields.String())
    review_by = Timestamp(allow_none=True)
    current_price = fields.Nested(Money)


class _Names:
    """Names every schema after its class; of two equal names the second gets its module as a prefix."""

    def __init__(self) -> None:
        self._taken: dict[str, type] = {}

    def __call__(self, schema: Any) -> str:
        cls = cast(type, resolve_schema_cls(schema))
        name = cls.__name__
        if self._taken.setdefault(name, cls) is not cls:
            name = cls.__module__.split(".")[-2].capitalize() + name
        return name


class _Converter(OpenAPIConverter):
    """Adds the description of schemas, the format of times and the maximum length of ids."""

    def schema2jsonschema(self, schema: Schema) -> Part:
        described: Part = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        meaning = inspect.cleandoc(type(schema).__dict__.get("__doc__") or "")
        return {"description": meaning, **described} if meaning else described

    def field2property(self, field: fields.Field[Any]) -> Part:
        described: Part = super().field2property(field)
        if isinstance(field, Timestamp):
            return {**described, "format": "date-time"}
        return {**described, "maxLength": MAX_ID_CHARACTERS} if isinstance(field, Id) else described


class DocumentPlugin(MarshmallowPlugin):
    """Converts schemas for the document."""

    Converter = _Converter


def document_of(routes: Iterable[Route]) -> Part:
    """Returns the document as plain JSON data."""
    plugin = DocumentPlugin(schema_name_resolver=_Names())
    spec = APISpec(
        title="MicroTasks",
        version="1.0.0",
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        plugins=[plugin],
    )
    _add_common_parts(spec)
    operations: dict[str, Part] = defaultdict(dict)
    for route in routes:
        operations[route.path][route.method.lower()] = _operation(route)
    for path, methods in operations.items():
        spec.path(path=path, operations=methods)
    plain: Part = json.loads(json.dumps(spec.to_dict()))
    return plain


def _add_common_parts(spec: APISpec) -> None:
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.response(
        "Problem",
        {
            "description": "A refusal, as application/problem+json; its `code` says which.",
            "content": {MEDIA_TYPE: {"schema": ProblemDocument}},
        },
    )


def _operation(route: Route) -> Part:
    operation: Part = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.resource],
        "parameters": _parameters(route),
        "responses": {str(int(route.status)): _success(route), "default": PROBLEM_REF},
    }
    if route.response_kind is ResponseKind.RESOURCE and not route.writes:
        operation["responses"]["304"] = {"description": "You have this answer already."}
    if route.access is not Access.ANYONE:
        operation["security"] = [{"bearer": []}]
    elif route.authenticates:
        operation["security"] = [{}, {"bearer": []}]
    if route.body is not None:
        content = {"application/json": {"schema": route.body}}
        if route.body_format is BodyFormat.FORM:
            content[BodyFormat.FORM.value] = {"schema": route.body}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.body_format is BodyFormat.TEXT:
        signed = {"application/json": {"schema": {"type": "object"}}}
        operation["requestBody"] = {"required": True, "content": signed}
    return operation


def _parameters(route: Route) -> list[Any]:
    names = re.findall(r"\{(\w+)\}", route.path)
    parameters: list[Any] = [
        _parameter("path", name, True, "", **PATH_LIMITS.get(name, ID_LIMITS)) for name in names
    ]
    if route.query is not None:
        parameters.append({"in": "query", "schema": route.query})
    for name, meaning in route.request_headers.items():
        parameters.append(_parameter("header", name, False, meaning))
    if route.idempotency_key is not IdempotencyKey.NONE:
        meaning = "Makes repeating the request harmless; 1 to 255 printable characters."
        required = route.idempotency_key is IdempotencyKey.REQUIRED
        parameters.append(_parameter("header", "Idempotency-Key", required, meaning, **KEY_LIMITS))
    if route.if_match is not IfMatch.NONE:
        required = route.if_match is IfMatch.REQUIRED
        parameters.append(
            _parameter("header", "If-Match", required, "The ETag of the version you have seen.")
        )
    if route.response_kind is ResponseKind.RESOURCE and not route.writes:
        parameters.append(
            _parameter("header", "If-None-Match", False, "ETags you have; 304 when one is current.")
        )
    if route.media_type == "text/event-stream":
        parameters.append(_parameter("header", "Last-Event-ID", False, "The last event you have seen."))
    return parameters


def _parameter(place: str, name: str, required: bool, meaning: str, **limits: Any) -> Part:
    schema = {"type": "string", **(limits or {"maxLength": MAX_HEADER_CHARACTERS})}
    parameter: Part = {"in": place, "name": name, "required": required, "schema": schema}
    return {**parameter, "description": meaning} if meaning else parameter


def _success(route: Route) -> Part:
    if route.response_kind is ResponseKind.EMPTY:
        return {"description": "Done."}
    if route.response_schema is None:
        content: Part = {route.media_type: {}}
        for media_type, media_schema in route.other_media_types.items():
            content[media_type] = {"schema": media_schema} if media_schema else {}
        return {"description": route.summary + ".", "content": content}
    schema: Any = route.response_schema
    if route.response_kind is not ResponseKind.RESOURCE:
        properties: Part = {"data": {"type": "array", "items": route.response_schema}}
        if route.response_kind is ResponseKind.PAGE:
            properties["page"] = PageInfo
        schema = {"type": "object", "required": sorted(properties), "properties": properties}
    answer: Part = {"description": route.summary + ".", "content": {route.media_type: {"schema": schema}}}
    if route.response_kind is ResponseKind.RESOURCE:
        answer["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return answer
