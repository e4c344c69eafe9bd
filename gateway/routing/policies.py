"""What a route may say about access, limits, caching, and the form of its request and response."""

from enum import Enum


class Access(Enum):
    """Who may call a route. The owning service decides which objects a caller may see there."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    STAFF = "staff"


class RateLimit(Enum):
    """Which rate limit a request counts against."""

    GENERAL = "general"
    ENTRANCE = "entrance"
    NONE = "none"


class IdempotencyKey(Enum):
    """Whether a route accepts an `Idempotency-Key`."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class IfMatch(Enum):
    """Whether a route evaluates `If-Match`."""

    NONE = "none"
    HONOURED = "honoured"
    REQUIRED = "required"


class BodyFormat(Enum):
    """How a request's body is parsed."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"  # or JSON, depending on the request's Content-Type
    TEXT = "text"  # unparsed JSON, for signed payloads: `context.body["payload"]`


class ResponseKind(Enum):
    """How a response is rendered."""

    RESOURCE = "resource"  # a single resource, with an ETag
    PAGE = "page"  # `data`, `page` and a Link to the next page
    LIST = "list"  # `data` only
    EMPTY = "empty"
    CUSTOM = "custom"  # the handler renders it


class CacheControl(Enum):
    """What HTTP caches may do with a response (the value of `Cache-Control`)."""

    PRIVATE = "private"  # depends on the caller
    PUBLIC = "public, no-cache"  # the same for everyone; must be revalidated
    STATIC = "public, max-age=3600"  # the same for everyone until the next release
    NO_STORE = "private, no-store"  # contains secrets, or is a stream


class CacheRegion(Enum):
    """Which region of the gateway's own cache stores the response, if any."""

    NONE = "none"
    SERVICE = "service"
    LISTING = "listing"
