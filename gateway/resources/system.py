"""Pages about the API itself: health, its document, problems, keys, help."""

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
from gateway.http.request import Incoming
from gateway.routing.route import Handler, Limit, Route, Shape, Storing, Who
from gateway.upstream.rpc_client import Reply
from kit.keys import key_bytes, key_id
from kit.tokens import ALGORITHM, verifying_keys

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
    """One of those files; each is read once."""
    return DOCS_FILES[file][0].read_bytes()


class HelpArticle(Schema):
    """One question and its answer, in Markdown."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)


class HelpGroup(Schema):
    """The articles of one subject."""

    group = fields.String(required=True)
    title = fields.String(required=True)
    articles = fields.List(fields.Nested(HelpArticle), required=True)


async def show_health(_: Incoming) -> web.Response:
    """The process lives."""
    return web.json_response({"status": "ok"})


async def show_readiness(incoming: Incoming) -> web.Response:
    """Whether requests should be sent here."""
    ready = incoming.gateway.is_ready
    return web.json_response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)


async def show_document(incoming: Incoming) -> web.Response:
    """The OpenAPI document."""
    return web.Response(body=incoming.gateway.document, content_type="application/json")


async def show_docs(_: Incoming) -> web.Response:
    """The document, readable; nothing comes from another host."""
    return _page((files("gateway.docs") / "index.html").read_text("utf-8"))


async def show_docs_file(incoming: Incoming) -> web.Response:
    """The scripts and styles of that page."""
    file = incoming.path["file"]
    if file not in DOCS_FILES:
        raise not_found()
    return web.Response(body=_read(file), content_type=DOCS_FILES[file][1], charset="utf-8")


async def show_problem(incoming: Incoming) -> web.Response:
    """What a problem's code means."""
    code = incoming.path["code"]
    kind = KINDS.get(code)
    if kind is None:
        raise not_found()
    title, meaning = html.escape(kind.title), html.escape(kind.meaning)
    return _page(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<h1>{title}</h1>\n<p>{meaning}</p>\n"
        f"<p>Code <code>{code}</code>, HTTP status {kind.status}.</p>\n</html>\n"
    )


async def show_keys(incoming: Incoming) -> web.Response:
    """The public keys that verify access tokens (RFC 7517)."""
    keys = [_published(key) for key in verifying_keys(incoming.gateway.settings).split()]
    return web.Response(text=json.dumps({"keys": keys}), content_type="application/json")


async def list_help(_: Incoming) -> Reply:
    """All help articles, in four groups."""
    return Reply({"data": HELP})


def _published(key: str) -> dict[str, str]:
    """A public key as RFC 8037 writes it."""
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
    storing: Storing = Storing.PUBLIC,
) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        who=Who.ANYONE,
        summary=summary,
        shape=Shape.OTHER,
        media_type=media_type,
        storing=storing,
        limit=Limit.NONE,
        looks_at_token=False,
    )


ROUTES = (
    _unversioned("/healthz", show_health, "The process lives", storing=Storing.NEVER),
    _unversioned("/readyz", show_readiness, "Whether requests should be sent here", storing=Storing.NEVER),
    _unversioned("/openapi.json", show_document, "This document"),
    _unversioned("/docs", show_docs, "This document, readable", "text/html"),
    _unversioned("/docs/{file}", show_docs_file, "Scripts and styles of that page", "text/plain"),
    _unversioned("/problems/{code}", show_problem, "What a problem's code means", "text/html"),
    _unversioned("/.well-known/jwks.json", show_keys, "Public keys that verify access tokens"),
    Route(
        method="GET",
        path="/v1/help",
        handler=list_help,
        who=Who.ANYONE,
        summary="Help articles in four groups",
        shape=Shape.LIST,
        answer=HelpGroup,
        storing=Storing.FIXED,
    ),
)
