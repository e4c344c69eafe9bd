"""Receipts and statements of the API as responses of the site."""

import base64
import hashlib
import re

from aiohttp import web

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def document_response(document: bytes, media_type: str, name: str) -> web.Response:
    """Returns a document of the API. The policy has to allow the style sheet it contains."""
    response = web.Response(body=document, content_type=media_type)
    if media_type == "text/html":
        response.charset = "utf-8"
        response.headers["Content-Security-Policy"] = style_policy(document)
    else:
        response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def style_policy(document: bytes) -> str:
    """Returns a Content-Security-Policy that allows a document's own styles and nothing else."""
    digests = (hashlib.sha256(style).digest() for style in _STYLE.findall(document))
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
