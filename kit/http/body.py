"""Reading a request's body with aiohttp: its type, its size and its time are checked before its content."""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from kit.http.parsing import is_utf8, media_type_of

BODY_SECONDS = 30.0


class RefusedBody(Exception):
    """A body is refused. `status` is the HTTP status, the message a sentence for the client."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def sent_type(request: web.BaseRequest) -> str:
    """Returns the declared media type of a body; empty when none is declared."""
    return media_type_of(request.headers.get("Content-Type", ""))


async def read_body(request: web.Request, limit_bytes: int, media_type: str) -> bytes:
    """Returns the body's bytes, empty when there is none.

    Raises: RefusedBody with 413 when it is too long, 415 when it is not declared as that type, in UTF-8
    and uncompressed, 408 when it does not arrive within BODY_SECONDS, 400 when its framing is invalid.
    """
    if not request.body_exists or request.content_length == 0:
        return b""
    if not is_utf8(request.headers.get("Content-Type", "")):
        raise RefusedBody(415, "Send it in UTF-8; no other charset is read.")
    if request.content_length is not None and request.content_length > limit_bytes:
        raise _too_large(limit_bytes)
    _check_media_type(request, media_type)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_up_to(request, limit_bytes)
    except TimeoutError as error:
        raise RefusedBody(408, "The body did not come in time.") from error
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise RefusedBody(400, "The body is not framed as HTTP says.") from error


def _check_media_type(request: web.Request, media_type: str) -> None:
    if sent_type(request) != media_type:
        raise RefusedBody(415, f"Send `Content-Type: {media_type}`.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedBody(415, "Send the body uncompressed.")


async def _read_up_to(request: web.Request, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def _too_large(limit_bytes: int) -> RefusedBody:
    return RefusedBody(413, f"A body may have at most {limit_bytes} bytes.")
