"""The provider's dashboard: open orders, services, earnings, payouts and transactions."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from client import Problem
from client.resources import Balance, Money, Order
from kit.localization.dates import format_month
from kit.localization.money import format_money
from kit.localization.translations import gettext
from website.forms import money
from website.forms.form import Form
from website.http.documents import document_response
from website.http.page_request import Access, Page, PageRequest
from website.pages.services import with_query
from website.views.earnings import Earned, draw_charts, months_until

ORDERS_SHOWN, SERVICES_SHOWN, TRANSACTIONS_SHOWN, PAYOUTS_SHOWN, PER_PAGE = 100, 5, 10, 5, 50


async def show_dashboard(request: PageRequest) -> web.StreamResponse:
    """Shows the dashboard."""
    return await _show(request, Form())


async def _show(request: PageRequest, form: Form, status: int = 200) -> web.Response:
    api, me, months = request.api, request.signed_in_person, months_until(datetime.now(UTC))
    (pending, working, delivered), (services, transactions, payouts), balance, earned = await asyncio.gather(
        asyncio.gather(_orders(request, 1), _orders(request, 2), _orders(request, 3)),
        asyncio.gather(
            api.own_services(limit=SERVICES_SHOWN),
            api.transactions(limit=TRANSACTIONS_SHOWN),
            api.payouts(limit=PAYOUTS_SHOWN),
        ),
        api.balance(),
        request.site.closed_months.earnings(me.id, months, api.statement),
    )
    started = bool(services["data"] or pending or working or delivered or transactions["data"])
    return await request.render(
        "dashboard.html" if started else "dashboard_start.html",
        status=status,
        reload_path="/dashboard",
        form=form,
        pending=pending,
        working=working,
        delivered=delivered,
        most_orders=ORDERS_SHOWN,
        services=services["data"],
        has_more_services=services["page"]["has_more"],
        balance=_by_currency(balance),
        payable=balance["payable"],
        charts=draw_charts(months, earned, me.locale),
        months=[
            (month, format_month(month, me.locale), _amounts(brought))
            for month, brought in zip(reversed(months), reversed(earned), strict=True)
        ],
        transactions=transactions["data"],
        has_more_transactions=transactions["page"]["has_more"],
        payouts=payouts["data"],
    )


def _amounts(brought: Earned) -> list[Money]:
    return [{"amount": amount, "currency": code} for code, amount in sorted(brought.items()) if amount]


async def _orders(request: PageRequest, status: int) -> list[Order]:
    """Returns the provider's orders in one status, the oldest or next due first."""
    found = await request.api.orders("provider", status=str(status), sort="-created_at", limit=ORDERS_SHOWN)
    by = {2: "due_at", 3: "confirm_by"}.get(status, "created_at")
    return sorted(found["data"], key=lambda order: str(order.get(by) or order["created_at"]))


def _by_currency(balance: Balance) -> list[dict[str, Any]]:
    """Returns the available and pending amounts by currency."""
    lines: dict[str, dict[str, Any]] = {}
    for kind in ("available", "pending"):
        for amount in balance[kind]:
            nothing = {"amount": 0, "currency": amount["currency"]}
            line = lines.setdefault(amount["currency"], {"available": nothing, "pending": nothing})
            line[kind] = amount
    return list(lines.values())


async def request_payout(request: PageRequest) -> web.StreamResponse:
    """Requests a payout; the same form sent twice is one payout."""
    form = await request.form()
    try:
        amount = money.read_money(form["amount"], form["currency"])
        await request.api.request_payout(amount, key=form.key)
    except money.NoAmount as error:
        form.add_error("amount", str(error))
    except Problem as problem:
        _add_problem(request, form, problem)
    else:
        return request.redirect("/dashboard#earnings", "payout_requested")
    return await _show(request, form, status=422)


def _add_problem(request: PageRequest, form: Form, problem: Problem) -> None:
    if problem.status not in (409, 422, 429):
        raise problem
    if problem.code != "insufficient_balance":
        form.add_problem(problem, ("amount", "currency"))
        return
    available = problem.body.get("available")
    message = gettext("That is more than is available.")
    if isinstance(available, dict) and available.get("amount", 0) > 0:
        message = gettext("That is more than is available. You can have up to {amount} paid out.").format(
            amount=format_money(available, request.locale)
        )
    form.add_error("amount", message)


async def show_transactions(request: PageRequest) -> web.StreamResponse:
    """Shows the transactions of the account, page by page."""
    try:
        cursor = request.query.get("cursor") or None
        found = await request.api.transactions(limit=PER_PAGE, cursor=cursor)
    except Problem as problem:
        if problem.status != 400:
            raise
        return request.redirect("/dashboard/transactions")
    more = found["page"]["has_more"]
    return await request.render(
        "transactions.html",
        transactions=found["data"],
        next_page=with_query(request, cursor=found["page"]["next_cursor"]) if more else None,
        is_first="cursor" not in request.query,
        first_page=with_query(request, cursor=None),
    )


async def show_statement(request: PageRequest) -> web.StreamResponse:
    """Shows the statement of a month as a printable document."""
    document = await request.api.statement(request.path_id("month"), "html")
    return document_response(document, "text/html", "")


async def show_statement_pdf(request: PageRequest) -> web.StreamResponse:
    """Returns the statement of a month as a PDF."""
    document = await request.api.statement(request.path_id("month"), "pdf")
    return document_response(document, "application/pdf", f"statement-{request.path_id('month')}.pdf")


PAGES = (
    Page("GET", "/dashboard", show_dashboard, Access.SIGNED_IN),
    Page("POST", "/dashboard/payouts", request_payout, Access.SIGNED_IN, redisplay=_show),
    Page("GET", "/dashboard/transactions", show_transactions, Access.SIGNED_IN),
    Page("GET", "/dashboard/statements/{month:2[0-9]{3}-[0-9]{2}}.pdf", show_statement_pdf, Access.SIGNED_IN),
    Page("GET", "/dashboard/statements/{month:2[0-9]{3}-[0-9]{2}}", show_statement, Access.SIGNED_IN),
)
