"""Paying an order, giving money back, and the papers about it."""

from aiohttp import web

from client import Problem
from client.resources import Money, Order, SandboxAction
from kit.translations import gettext
from website.forms import money
from website.forms.form import Form
from website.http.documents import document_response
from website.http.page_request import Access, Page, PageRequest
from website.pages.orders.order import REFUSED, show_again
from website.pages.orders.order_view import action_path

FLASHES = {"paid": "paid", "processing": "payment_processing"}


async def pay_order(request: PageRequest) -> web.StreamResponse:
    """Pays by one of the methods; a second step is the next page."""
    form = await request.form()
    order_id = request.path_id("order_id")
    try:
        payment = await request.api.pay_order(order_id, form["method"], key=form.key)
    except Problem as problem:
        if problem.status not in REFUSED:
            raise
        if problem.code == "payment_declined":
            form.summary = gettext(
                "The payment was declined. Nothing was taken; try again or take another way."
            )
        else:
            form.add_problem(problem, ("method",))
        return await show_again(request, {"payment": form})
    if payment["status"] == "requires_action" and (path := action_path(payment)).startswith("/"):
        return request.redirect(path)
    return request.redirect(f"/orders/{order_id}#order-payment", FLASHES.get(payment["status"], ""))


async def show_sandbox_step(request: PageRequest) -> web.StreamResponse:
    """The sandbox asks whether to pay."""
    action, order = await _own_step(request)
    if action["status"] != "requires_action":
        return request.redirect(f"/orders/{order['id']}#order-payment")
    return await request.render(
        "pay.html", action=action, order=order, token=request.path_id("token"), form=Form()
    )


async def _own_step(request: PageRequest) -> tuple[SandboxAction, Order]:
    """The step and its order. Raises: HTTPNotFound for anybody but the customer who pays."""
    action = await request.api.sandbox_action(request.path_id("token"))
    order = await request.api.order(action["order_id"])
    if order["customer"]["id"] != request.signed_in_person.id:
        raise web.HTTPNotFound
    return action, order


async def answer_sandbox_step(request: PageRequest) -> web.StreamResponse:
    """Yes or no; one who is late is shown how it ended."""
    form = await request.form()
    _, order = await _own_step(request)
    try:
        await request.api.answer_sandbox_action(
            request.path_id("token"), form["answer"] == "yes", key=form.key
        )
    except Problem as problem:
        if problem.status != 409:
            raise
    flash = "payment_confirmed" if form["answer"] == "yes" else "payment_refused"
    return request.redirect(f"/orders/{order['id']}#order-payment", flash)


async def refund_payment(request: PageRequest) -> web.StreamResponse:
    """The provider or staff give the payment back, or a part of it."""
    form = await request.form()
    order_id = request.path_id("order_id")
    try:
        amount = _refunded(form)
        await request.api.refund_payment(form["payment_id"], form["reason"], amount, key=form.key)
    except money.NoAmount as error:
        form.add_error("amount", str(error))
        return await show_again(request, {"refund": form})
    except Problem as problem:
        if problem.status not in REFUSED:
            raise
        return await show_again(request, {"refund": form.add_problem(problem, ("amount", "reason"))})
    return request.redirect(f"/orders/{order_id}#order-payment", "refunded")


async def show_typed_refund(request: PageRequest, form: Form) -> web.StreamResponse:
    """The page with what was typed for a refund."""
    return await show_again(request, {"refund": form})


def _refunded(form: Form) -> Money | None:
    """A part of the payment, or None for all that is left."""
    return money.read_money(form["amount"], form["currency"]) if form["amount"].strip() else None


async def show_receipt(request: PageRequest) -> web.StreamResponse:
    """The receipt, to look at."""
    return document_response(
        await request.api.receipt(request.path_id("payment_id"), "html"), "text/html", "receipt.html"
    )


async def show_receipt_pdf(request: PageRequest) -> web.StreamResponse:
    """The receipt, to keep."""
    return document_response(
        await request.api.receipt(request.path_id("payment_id")), "application/pdf", "receipt.pdf"
    )


PAGES = (
    Page("POST", "/orders/{order_id}/payments", pay_order, Access.SIGNED_IN),
    Page("POST", "/orders/{order_id}/refunds", refund_payment, Access.SIGNED_IN, redisplay=show_typed_refund),
    Page("GET", "/pay/{token}", show_sandbox_step, Access.SIGNED_IN),
    Page("POST", "/pay/{token}", answer_sandbox_step, Access.SIGNED_IN),
    Page("GET", "/payments/{payment_id}/receipt", show_receipt, Access.SIGNED_IN),
    Page("GET", "/payments/{payment_id}/receipt.pdf", show_receipt_pdf, Access.SIGNED_IN),
)
