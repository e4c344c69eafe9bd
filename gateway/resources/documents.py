"""Receipts, statements and the sandbox's page: for people as HTML and PDF, for programs as JSON."""

import asyncio
import functools
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.html import POLICY, draw_action, draw_html
from gateway.documents.receipt import receipt_of
from gateway.documents.sheet import Sheet
from gateway.documents.statement import statement_of
from gateway.http.media_types import HTML, JSON, MEDIA_TYPES, PDF, chosen_format
from gateway.http.problems import not_found
from gateway.http.request import Incoming
from gateway.http.response import JSON as JSON_TYPE
from gateway.routing.route import Key, Reads, Route, Shape, Who
from kit.errors import Conflict, ServiceError
from kit.http.body import sent_type
from kit.locales import DEFAULT_TAG, locale_of
from services.accounts import contract as accounts
from services.payments import contract as payments

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class ReceiptQuery(Schema):
    """Query string of a receipt: how it is written, unless `Accept` says so."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, PDF)))


class StatementQuery(Schema):
    """Query string of a statement."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, PDF, JSON)))


class SandboxActionQuery(Schema):
    """Query string of the sandbox's page."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, JSON)))


async def show_receipt(incoming: Incoming) -> web.Response:
    """The receipt of a payment that was made."""
    chosen = _format(incoming, HTML, PDF)
    reply, locale = await asyncio.gather(
        incoming.call(payments.GET_PAYMENT, payment_id=incoming.path["payment_id"]), _locale(incoming)
    )
    if reply.result["paid_at"] is None:
        raise Conflict("This payment was not made, so there is no receipt.", code="payment_not_paid")
    return await _document(incoming, chosen, functools.partial(receipt_of, reply.result), locale)


async def show_statement(incoming: Incoming) -> web.Response:
    """The caller's month as a provider."""
    chosen, month = _format(incoming, HTML, PDF, JSON), incoming.path["month"]
    if payments.StatementQuery().validate({"month": month}):
        raise not_found()
    reply, locale = await asyncio.gather(
        incoming.call(payments.GET_STATEMENT, month=month), _locale(incoming)
    )
    if chosen == JSON:
        return _json(reply.result)
    return await _document(incoming, chosen, functools.partial(statement_of, reply.result), locale)


async def show_sandbox_action(incoming: Incoming) -> web.Response:
    """The page of a payment's second step at the sandbox."""
    chosen = _format(incoming, HTML, JSON)
    reply = await incoming.call(payments.GET_SANDBOX_ACTION, token=_token(incoming))
    if chosen == JSON:
        return _json(reply.result)
    return _page(draw_action(reply.result, LocaleFormatter(DEFAULT_TAG)))


async def answer_sandbox_action(incoming: Incoming) -> web.Response:
    """The person says yes or no: a form goes back to the page, a program gets JSON."""
    is_form = sent_type(incoming.request) == Reads.FORM.value
    try:
        reply = await incoming.call(payments.ANSWER_SANDBOX_ACTION, token=_token(incoming), **incoming.body)
    except Conflict:
        if not is_form:
            raise
    if is_form:
        there = {"Location": incoming.request.rel_url.raw_path}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=there)
    return _json(reply.result)


def _format(incoming: Incoming, *offered: str) -> str:
    return chosen_format(incoming.query["format"], incoming.request.headers.get("Accept"), offered)


def _token(incoming: Incoming) -> str:
    token = incoming.path["token"]
    if _TOKEN.fullmatch(token) is None:
        raise not_found()
    return token


async def _locale(incoming: Incoming) -> str:
    """The caller's locale; without the accounts service it is English, and no reason to fail."""
    try:
        return str((await incoming.call(accounts.GET_ME)).result["locale"])
    except ServiceError:
        return DEFAULT_TAG


async def _document(
    incoming: Incoming, chosen: str, make: functools.partial[Sheet], tag: str
) -> web.Response:
    if chosen == PDF and locale_of(tag).character_order != "left-to-right":
        tag = DEFAULT_TAG  # whole lines from the right are beyond our PDFs

    drawing, account_id = incoming.gateway.drawing, incoming.signed_in.id
    if chosen == HTML:
        return _page(await drawing.pages.draw(account_id, lambda: draw_html(make(LocaleFormatter(tag)))))
    name, body = await drawing.pdfs.draw(account_id, lambda: _pdf(make(LocaleFormatter(tag))))
    headers = {**_VARYING, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return web.Response(body=body, content_type=MEDIA_TYPES[PDF], headers=headers)


def _pdf(sheet: Sheet) -> tuple[str, bytes]:
    # Its library is imported by the first PDF: most gateways start more often than they draw one.
    from gateway.documents.pdf import draw_pdf

    return sheet.name, draw_pdf(sheet)


_VARYING = {"Vary": "Authorization, Accept"}


def _page(text: str) -> web.Response:
    headers = {**_VARYING, "Content-Security-Policy": POLICY}
    return web.Response(text=text, content_type=MEDIA_TYPES[HTML], charset="utf-8", headers=headers)


def _json(result: Mapping[str, Any]) -> web.Response:
    body = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, headers={**_VARYING, "Content-Type": JSON_TYPE})


ROUTES = (
    Route(
        method="GET",
        path="/v1/payments/{payment_id}/receipt",
        handler=show_receipt,
        who=Who.SIGNED_IN,
        summary="The receipt of a payment, as HTML or PDF",
        query=ReceiptQuery,
        shape=Shape.OTHER,
        media_type=MEDIA_TYPES[HTML],
        also={MEDIA_TYPES[PDF]: None},
    ),
    Route(
        method="GET",
        path="/v1/me/statements/{month}",
        handler=show_statement,
        who=Who.SIGNED_IN,
        summary="Your month as a provider (`2026-11`), as HTML, PDF or JSON",
        query=StatementQuery,
        shape=Shape.OTHER,
        media_type=MEDIA_TYPES[HTML],
        also={MEDIA_TYPES[PDF]: None, MEDIA_TYPES[JSON]: payments.Statement},
    ),
    Route(
        method="GET",
        path="/v1/sandbox/actions/{token}",
        handler=show_sandbox_action,
        who=Who.ANYONE,
        summary="The sandbox's page, where the person who pays says yes or no",
        query=SandboxActionQuery,
        shape=Shape.OTHER,
        media_type=MEDIA_TYPES[HTML],
        also={MEDIA_TYPES[JSON]: payments.SandboxAction},
        looks_at_token=False,
    ),
    Route(
        method="POST",
        path="/v1/sandbox/actions/{token}",
        handler=answer_sandbox_action,
        who=Who.ANYONE,
        summary="The person who pays at the sandbox says yes or no",
        body=payments.AnswerSandboxActionBody,
        reads=Reads.FORM,
        shape=Shape.OTHER,
        media_type=MEDIA_TYPES[JSON],
        also={MEDIA_TYPES[JSON]: payments.SandboxAction},
        key=Key.OPTIONAL,
        looks_at_token=False,
    ),
)
