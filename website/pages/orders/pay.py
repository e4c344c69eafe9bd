"""Payments and refunds of an order, and their receipts."""

from aiohttp import web

from client import Problem
from client.resources import Money, Order, SandboxAction
from kit.localization.translations import gettext
from website.forms import money
from website.forms.form import Form
from website.http.documents import document_response
from website.http.page_request import Access, Page, PageRequest
from website.pages.orders.order import FORM_ERRORS, show_with_forms
from website.pages.orders.order_view import action_path

FLASHES = {"paid": "paid", "processing": "payment_processing"}


async def pay_order(request: PageRequest) -> web.StreamResponse:
    """Starts a payment; redirects to the confirmation if the processor requires one."""
    form = await request.form()
    order_id = request.path_id("order_id")
    try:
        payment = await request.api.pay_order(order_id, form["method"], key=form.key)
    except Problem as problem:
        if problem.status not in FORM_ERRORS:
            raise
        if problem.code == "payment_declined":
            form.summary = gettext(
                "The payment was declined. Nothing was taken; try again or take another way."
            )
        else:
            form.add_problem(problem, ("method",))
        return await show_with_forms(request, {"payment": form})
    if payment["status"] == "requires_action" and (path := action_path(payment)).startswith("/"):
        return request.redirect(path)
    return request.redirect(f"/orders/{order_id}#order-payment", FLASHES.get(payment["status"], ""))


async def show_sandbox_step(request: PageRequest) -> web.StreamResponse:
    """Shows the sandbox's confirmation page."""
    action, order = await _own_step(request)
    if action["status"] != "requires_action":
        return request.redirect(f"/orders/{order['id']}#order-payment")
    return await request.render(
        "pay.html", action=action, order=order, token=request.path_id("token"), form=Form()
    )


async def _own_step(request: PageRequest) -> tuple[SandboxAction, Order]:
    """Returns the confirmation and its order. Raises: HTTPNotFound for anybody but the order's customer."""
    action = await request.api.sandbox_action(request.path_id("token"))
    order = await request.api.order(action["order_id"])
    if order["customer"]["id"] != request.signed_in_person.id:
        raise web.HTTPNotFound
    return action, order


async def answer_sandbox_step(request: PageRequest) -> web.StreamResponse:
    """Confirms or refuses a payment; shows its result when it was already decided."""
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
    """Refunds the payment, or a part of it."""
    form = await request.form()
    order_id = request.path_id("order_id")
    try:
        amount = _refunded(form)
        await request.api.refund_payment(form["payment_id"], form["reason"], amount, key=form.key)
    except money.NoAmount as error:
        form.add_error("amount", str(error))
        return await show_with_forms(request, {"refund": form})
    except Problem as problem:
        if problem.status not in FORM_ERRORS:
            raise
        return await show_with_forms(request, {"refund": form.add_problem(problem, ("amount", "reason"))})
    return request.redirect(f"/orders/{order_id}#order-payment", "refunded")


async def show_typed_refund(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the page with the typed values of a refund."""
    return await show_with_forms(request, {"refund": form})


def _refunded(form: Form) -> Money | None:
    """Returns the amount to refund, or None for all that is left."""
    return money.read_money(form["amount"], form["currency"]) if form["amount"].strip() else None


async def show_receipt(request: PageRequest) -> web.StreamResponse:
    """Shows the receipt."""
    return document_response(
        await request.api.receipt(request.path_id("payment_id"), "html"), "text/html", "receipt.html"
    )


async def show_receipt_pdf(request: PageRequest) -> web.StreamResponse:
    """Returns the receipt as a PDF."""
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
