"""Receipts and statements, passed on from the API as they are."""

import base64
import hashlib
import re

from aiohttp import web

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def pass_on(document: bytes, media_type: str, name: str) -> web.Response:
    """A document of the API. It brings one style of its own, which our policy has to name."""
    response = web.Response(body=document, content_type=media_type)
    if media_type == "text/html":
        response.charset = "utf-8"
        response.headers["Content-Security-Policy"] = policy_of(document)
    else:
        response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def policy_of(document: bytes) -> str:
    """A policy that allows a document its styles and nothing else."""
    digests = (hashlib.sha256(style).digest() for style in _STYLE.findall(document))
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
