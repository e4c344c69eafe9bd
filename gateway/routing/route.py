"""What a route is. `gateway/resources/` declares them all; serving and the OpenAPI document both
read the same table, so nothing is served that is not described."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp.web import StreamResponse
from marshmallow import Schema

from gateway.upstream.rpc_client import Reply

if TYPE_CHECKING:
    from gateway.http.request import Incoming

Handler = Callable[["Incoming"], Awaitable[Reply | StreamResponse]]


class Who(Enum):
    """Who may call a route. Whose things they may see there, the owning service decides."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    STAFF = "staff"


class Limit(Enum):
    """Which allowance a request uses up."""

    GENERAL = "general"
    ENTRANCE = "entrance"
    NONE = "none"


class Key(Enum):
    """Whether a route takes an `Idempotency-Key`."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Reads(Enum):
    """How a request's body is read."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"  # or JSON, as the request says
    TEXT = "text"  # JSON byte for byte, for those who signed it: `incoming.body["payload"]`


class IfMatch(Enum):
    """Whether a route looks at `If-Match`."""

    NONE = "none"
    HONOURED = "honoured"
    REQUIRED = "required"


class Shape(Enum):
    """How the answer is written."""

    ONE = "one"  # a single resource, with an ETag
    PAGE = "page"  # `data`, `page` and a Link to the next one
    LIST = "list"  # `data` alone
    NOTHING = "nothing"
    OTHER = "other"  # the handler writes it itself


class Storing(Enum):
    """What caches on the way may do with the answer (`Cache-Control`)."""

    PRIVATE = "private"  # depends on the caller
    PUBLIC = "public, no-cache"  # the same for all; ask again each time
    FIXED = "public, max-age=3600"  # the same for all until the next release
    NEVER = "private, no-store"  # holds secrets, or is a stream


class Kept(Enum):
    """Which shelf of the gateway's own cache keeps the answer, if any."""

    NOT = "not"
    SERVICE = "service"
    LISTING = "listing"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path. `body` None means that there is none; `location` is the address of
    what was created, with members of the answer filled in. Where tokens are looked at, one that is
    sent must hold. `also` names the other media types that a handler writes, and their
    schemas; `headers` the request headers of this route alone, and what they mean."""

    method: str
    path: str
    handler: Handler
    who: Who
    summary: str
    shape: Shape
    answer: type[Schema] | None = None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = "application/json"
    also: Mapping[str, type[Schema] | None] = field(default_factory=dict)
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    reads: Reads = Reads.JSON
    key: Key = Key.NONE
    if_match: IfMatch = IfMatch.NONE
    storing: Storing = Storing.PRIVATE
    kept: Kept = Kept.NOT
    limit: Limit = Limit.GENERAL
    looks_at_token: bool = True
    location: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The handler's name: the operation's id in the document."""
        return self.handler.__name__

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method not in ("GET", "HEAD")

    @property
    def resource(self) -> str:
        """The module of `gateway/resources/` that declares the handler."""
        return self.handler.__module__.rsplit(".", 1)[-1]
