"""Resources about the API itself: health, OpenAPI document, problems, keys, help."""

import base64
import functools
import html
import json
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web
from marshmallow import Schema, fields
from swagger_ui_bundle import swagger_ui_path

from gateway.help import HELP
from gateway.http.problem_kinds import KINDS
from gateway.http.problems import not_found
from gateway.http.request import RequestContext
from gateway.routing.policies import Access, CacheControl, RateLimit, ResponseKind
from gateway.routing.route import Handler, Route
from gateway.upstream.rpc_client import Reply
from kit.security.keys import key_bytes, key_id
from kit.security.tokens import ALGORITHM, verifying_keys

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
DOCS_FILES: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (swagger_ui_path / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (swagger_ui_path / "swagger-ui-bundle.js", "text/javascript"),
    "start.js": (files("gateway.docs") / "start.js", "text/javascript"),
}


@functools.cache
def _read(file: str) -> bytes:
    """Returns one of those files; each is read once."""
    return DOCS_FILES[file][0].read_bytes()


class HelpArticle(Schema):
    """A question and its answer, in Markdown."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)


class HelpGroup(Schema):
    """The articles of one subject."""

    group = fields.String(required=True)
    title = fields.String(required=True)
    articles = fields.List(fields.Nested(HelpArticle), required=True)


async def show_health(_: RequestContext) -> web.Response:
    """Reports that the process is alive."""
    return web.json_response({"status": "ok"})


async def show_readiness(context: RequestContext) -> web.Response:
    """Reports whether requests should be sent here."""
    ready = context.gateway.is_ready
    return web.json_response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)


async def show_document(context: RequestContext) -> web.Response:
    """Returns the OpenAPI document."""
    return web.Response(body=context.gateway.openapi, content_type="application/json")


async def show_docs(_: RequestContext) -> web.Response:
    """Returns the document as a page that loads nothing from other hosts."""
    return _page((files("gateway.docs") / "index.html").read_text("utf-8"))


async def show_docs_file(context: RequestContext) -> web.Response:
    """Returns a script or style of that page."""
    file = context.path["file"]
    if file not in DOCS_FILES:
        raise not_found()
    return web.Response(body=_read(file), content_type=DOCS_FILES[file][1], charset="utf-8")


async def show_problem(context: RequestContext) -> web.Response:
    """Returns a page about the meaning of a problem's code."""
    code = context.path["code"]
    kind = KINDS.get(code)
    if kind is None:
        raise not_found()
    title, meaning = html.escape(kind.title), html.escape(kind.meaning)
    return _page(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<h1>{title}</h1>\n<p>{meaning}</p>\n"
        f"<p>Code <code>{code}</code>, HTTP status {kind.status}.</p>\n</html>\n"
    )


async def show_keys(context: RequestContext) -> web.Response:
    """Returns the public keys that verify access tokens (RFC 7517)."""
    keys = [_published(key) for key in verifying_keys(context.gateway.settings).split()]
    return web.Response(text=json.dumps({"keys": keys}), content_type="application/json")


async def list_help(_: RequestContext) -> Reply:
    """Lists all help articles in four groups."""
    return Reply({"data": HELP})


def _published(key: str) -> dict[str, str]:
    """Returns a public key as JSON Web Key (RFC 8037)."""
    x = base64.urlsafe_b64encode(key_bytes(key)).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key_id(key), "x": x}


def _page(text: str) -> web.Response:
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


def _unversioned(
    path: str,
    handler: Handler,
    summary: str,
    media_type: str = "application/json",
    cache_control: CacheControl = CacheControl.PUBLIC,
) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=Access.ANYONE,
        summary=summary,
        response_kind=ResponseKind.CUSTOM,
        media_type=media_type,
        cache_control=cache_control,
        rate_limit=RateLimit.NONE,
        authenticates=False,
    )


ROUTES = (
    _unversioned("/healthz", show_health, "The process lives", cache_control=CacheControl.NO_STORE),
    _unversioned(
        "/readyz", show_readiness, "Whether requests should be sent here", cache_control=CacheControl.NO_STORE
    ),
    _unversioned("/openapi.json", show_document, "This document"),
    _unversioned("/docs", show_docs, "This document, readable", "text/html"),
    _unversioned("/docs/{file}", show_docs_file, "Scripts and styles of that page", "text/plain"),
    _unversioned("/problems/{code}", show_problem, "What a problem's code means", "text/html"),
    _unversioned("/.well-known/jwks.json", show_keys, "Public keys that verify access tokens"),
    Route(
        method="GET",
        path="/v1/help",
        handler=list_help,
        access=Access.ANYONE,
        summary="Help articles in four groups",
        response_kind=ResponseKind.LIST,
        response_schema=HelpGroup,
        cache_control=CacheControl.STATIC,
    ),
)
