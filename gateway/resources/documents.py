"""Receipts, statements and the sandbox's page, as HTML and PDF, or as JSON for programs."""

import asyncio
import functools
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
from gateway.http.media_types import HTML, JSON, MEDIA_TYPES, PDF, negotiate_format
from gateway.http.problems import not_found
from gateway.http.request import RequestContext
from gateway.http.response import JSON as JSON_CONTENT_TYPE
from gateway.routing.policies import Access, BodyFormat, IdempotencyKey, ResponseKind
from gateway.routing.route import Route
from kit.errors import Conflict, ServiceError
from kit.http.body import sent_type
from kit.json_bytes import json_bytes
from kit.localization.locales import DEFAULT_TAG, locale_of
from kit.localization.translations import language_in_use, language_of, preferred_tag
from services.accounts import contract as accounts
from services.payments import contract as payments

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class ReceiptQuery(Schema):
    """Query string of a receipt; `format` takes precedence over `Accept`."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, PDF)))


class StatementQuery(Schema):
    """Query string of a statement."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, PDF, JSON)))


class SandboxActionQuery(Schema):
    """Query string of the sandbox's page."""

    format = fields.String(load_default=None, validate=validate.OneOf((HTML, JSON)))


async def show_receipt(context: RequestContext) -> web.Response:
    """Returns the receipt of a successful payment."""
    chosen = _format(context, HTML, PDF)
    reply, locale = await asyncio.gather(
        context.call(payments.GET_PAYMENT, payment_id=context.path["payment_id"]), _locale(context)
    )
    if reply.result["paid_at"] is None:
        raise Conflict("This payment was not made, so there is no receipt.", code="payment_not_paid")
    return await _document(context, chosen, functools.partial(receipt_of, reply.result), locale)


async def show_statement(context: RequestContext) -> web.Response:
    """Returns the caller's statement of a month."""
    chosen, month = _format(context, HTML, PDF, JSON), context.path["month"]
    if payments.StatementQuery().validate({"month": month}):
        raise not_found()
    reply, locale = await asyncio.gather(context.call(payments.GET_STATEMENT, month=month), _locale(context))
    if chosen == JSON:
        return _json(reply.result)
    return await _document(context, chosen, functools.partial(statement_of, reply.result), locale)


async def show_sandbox_action(context: RequestContext) -> web.Response:
    """Returns the sandbox's page for the second step of a payment."""
    chosen = _format(context, HTML, JSON)
    reply = await context.call(payments.GET_SANDBOX_ACTION, token=_token(context))
    if chosen == JSON:
        return _json(reply.result)
    tag = preferred_tag(context.request.headers.get("Accept-Language", ""))
    with language_in_use(language_of(tag)):
        page = _page(draw_action(reply.result, LocaleFormatter(tag)), tag)
    page.headers["Vary"] = f"{page.headers['Vary']}, Accept-Language"
    return page


async def answer_sandbox_action(context: RequestContext) -> web.Response:
    """Confirms or declines the payment; redirects a form to the page, and returns JSON to a program."""
    is_form = sent_type(context.request) == BodyFormat.FORM.value
    try:
        reply = await context.call(payments.ANSWER_SANDBOX_ACTION, token=_token(context), **context.body)
    except Conflict:
        if not is_form:
            raise
    if is_form:
        there = {"Location": context.request.rel_url.raw_path}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=there)
    return _json(reply.result)


def _format(context: RequestContext, *offered: str) -> str:
    return negotiate_format(context.query["format"], context.request.headers.get("Accept"), offered)


def _token(context: RequestContext) -> str:
    token = context.path["token"]
    if _TOKEN.fullmatch(token) is None:
        raise not_found()
    return token


async def _locale(context: RequestContext) -> str:
    """Returns the caller's locale, or English when accounts is unavailable."""
    try:
        return str((await context.call(accounts.GET_ME)).result["locale"])
    except ServiceError:
        return DEFAULT_TAG


async def _document(
    context: RequestContext, chosen: str, make: functools.partial[Sheet], tag: str
) -> web.Response:
    if chosen == PDF and locale_of(tag).character_order != "left-to-right":
        tag = DEFAULT_TAG  # whole lines from the right are beyond our PDFs

    renderer, account_id = context.gateway.documents, context.signed_in_caller.id
    if chosen == HTML:
        return _page(await renderer.pages.run(account_id, lambda: _html(make, tag)), tag)
    name, body = await renderer.pdfs.run(account_id, lambda: _pdf(make, tag))
    headers = {
        **_VARYING,
        "Content-Language": language_of(tag),
        "Content-Disposition": f'inline; filename="{name}.pdf"',
    }
    return web.Response(body=body, content_type=MEDIA_TYPES[PDF], headers=headers)


def _html(make: functools.partial[Sheet], tag: str) -> str:
    with language_in_use(language_of(tag)):
        return draw_html(make(LocaleFormatter(tag)))


def _pdf(make: functools.partial[Sheet], tag: str) -> tuple[str, bytes]:
    # Its library is imported by the first PDF: most gateways start more often than they draw one.
    from gateway.documents.pdf import draw_pdf

    with language_in_use(language_of(tag)):
        sheet = make(LocaleFormatter(tag))
        return sheet.name, draw_pdf(sheet)


_VARYING = {"Vary": "Authorization, Accept"}


def _page(text: str, tag: str) -> web.Response:
    headers = {**_VARYING, "Content-Language": language_of(tag), "Content-Security-Policy": POLICY}
    return web.Response(text=text, content_type=MEDIA_TYPES[HTML], charset="utf-8", headers=headers)


def _json(result: Mapping[str, Any]) -> web.Response:
    headers = {**_VARYING, "Content-Type": JSON_CONTENT_TYPE}
    return web.Response(body=json_bytes(result), headers=headers)


ROUTES = (
    Route(
        method="GET",
        path="/v1/payments/{payment_id}/receipt",
        handler=show_receipt,
        access=Access.SIGNED_IN,
        summary="The receipt of a payment, as HTML or PDF",
        query=ReceiptQuery,
        response_kind=ResponseKind.CUSTOM,
        media_type=MEDIA_TYPES[HTML],
        other_media_types={MEDIA_TYPES[PDF]: None},
    ),
    Route(
        method="GET",
        path="/v1/me/statements/{month}",
        handler=show_statement,
        access=Access.SIGNED_IN,
        summary="Your month as a provider (`2026-11`), as HTML, PDF or JSON",
        query=StatementQuery,
        response_kind=ResponseKind.CUSTOM,
        media_type=MEDIA_TYPES[HTML],
        other_media_types={MEDIA_TYPES[PDF]: None, MEDIA_TYPES[JSON]: payments.Statement},
    ),
    Route(
        method="GET",
        path="/v1/sandbox/actions/{token}",
        handler=show_sandbox_action,
        access=Access.ANYONE,
        summary="The sandbox's page, where the person who pays says yes or no",
        query=SandboxActionQuery,
        response_kind=ResponseKind.CUSTOM,
        media_type=MEDIA_TYPES[HTML],
        other_media_types={MEDIA_TYPES[JSON]: payments.SandboxAction},
        authenticates=False,
    ),
    Route(
        method="POST",
        path="/v1/sandbox/actions/{token}",
        handler=answer_sandbox_action,
        access=Access.ANYONE,
        summary="The person who pays at the sandbox says yes or no",
        body=payments.AnswerSandboxActionBody,
        body_format=BodyFormat.FORM,
        response_kind=ResponseKind.CUSTOM,
        media_type=MEDIA_TYPES[JSON],
        other_media_types={MEDIA_TYPES[JSON]: payments.SandboxAction},
        idempotency_key=IdempotencyKey.OPTIONAL,
        authenticates=False,
    ),
)
