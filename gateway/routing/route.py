"""The declaration of a route. `gateway/resources/` declares all of them; request handling and the
OpenAPI document read the same table, so every route that is served is documented."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp.web import StreamResponse
from marshmallow import Schema

from gateway.http.request import RequestContext
from gateway.routing.policies import (
    Access,
    BodyFormat,
    CacheControl,
    CacheRegion,
    IdempotencyKey,
    IfMatch,
    RateLimit,
    ResponseKind,
)
from gateway.upstream.rpc_client import Reply

Handler = Callable[[RequestContext], Awaitable[Reply | StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path.

    A route whose `body` is None accepts no body. `location` is the address of the created resource; its
    placeholders are members of the response. A route that `authenticates` rejects an invalid token even
    where no token is needed. `other_media_types` are those that a custom handler writes besides
    `media_type`, with their schemas; `request_headers` are the headers only this route reads, with
    their descriptions.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    response_kind: ResponseKind
    response_schema: type[Schema] | None = None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = "application/json"
    other_media_types: Mapping[str, type[Schema] | None] = field(default_factory=dict)
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    body_format: BodyFormat = BodyFormat.JSON
    idempotency_key: IdempotencyKey = IdempotencyKey.NONE
    if_match: IfMatch = IfMatch.NONE
    cache_control: CacheControl = CacheControl.PRIVATE
    cache_region: CacheRegion = CacheRegion.NONE
    rate_limit: RateLimit = RateLimit.GENERAL
    authenticates: bool = True
    location: str | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation_id(self) -> str:
        """The handler's name, which is the operation's id in the OpenAPI document."""
        return self.handler.__name__

    @property
    def writes(self) -> bool:
        """Whether the route may change something."""
        return self.method not in ("GET", "HEAD")

    @property
    def resource(self) -> str:
        """The module of `gateway/resources/` that declares the handler."""
        return self.handler.__module__.rsplit(".", 1)[-1]
