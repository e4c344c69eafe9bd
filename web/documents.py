"""Papers of the API, receipts and statements, passed on as they are: tokens stay on this side."""

from aiohttp import web

TYPES = {"html": "text/html", "pdf": "application/pdf"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def document(body: bytes, kind: str, name: str = "") -> web.Response:
    """A paper that carries its own style sheet and nothing that runs."""
    headers = {"Content-Security-Policy": POLICY}
    if name:
        headers["Content-Disposition"] = f'inline; filename="{name}.{kind}"'
    charset = "utf-8" if kind == "html" else None
    return web.Response(body=body, content_type=TYPES[kind], charset=charset, headers=headers)
