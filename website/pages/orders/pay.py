"""Paying an order, giving money back, and the papers about it."""

from aiohttp import web

from client import Problem
from client.resources import Money, Order, SandboxAction
from website.forms.form import Form
from website.http.documents import pass_on
from website.http.page_request import Page, Visit, Who
from website.pages.orders.order import REFUSED, show_again
from website.pages.orders.order_view import action_path
from website.views import money

FLASHES = {"paid": "paid", "processing": "payment_processing"}


async def pay_order(visit: Visit) -> web.StreamResponse:
    """Pays by one of the methods; a second step is the next page."""
    form = await visit.form()
    order_id = visit.part("order_id")
    try:
        payment = await visit.api.pay_order(order_id, form["method"], key=form.key)
    except Problem as problem:
        if problem.status not in REFUSED:
            raise
        if problem.code == "payment_declined":
            form.summary = "The payment was declined. Nothing was taken; try again or take another way."
        else:
            form.take(problem, ("method",))
        return await show_again(visit, {"payment": form})
    if payment["status"] == "requires_action" and (path := action_path(payment)).startswith("/"):
        return visit.go(path)
    return visit.go(f"/orders/{order_id}#order-payment", FLASHES.get(payment["status"], ""))


async def show_sandbox_step(visit: Visit) -> web.StreamResponse:
    """The sandbox asks whether to pay."""
    action, order = await _own_step(visit)
    if action["status"] != "requires_action":
        return visit.go(f"/orders/{order['id']}#order-payment")
    return await visit.show("pay.html", action=action, order=order, token=visit.part("token"), form=Form())


async def _own_step(visit: Visit) -> tuple[SandboxAction, Order]:
    """The step and its order. Raises: HTTPNotFound for anybody but the customer who pays."""
    action = await visit.api.sandbox_action(visit.part("token"))
    order = await visit.api.order(action["order_id"])
    if order["customer"]["id"] != visit.signed_in.id:
        raise web.HTTPNotFound
    return action, order


async def answer_sandbox_step(visit: Visit) -> web.StreamResponse:
    """Yes or no; one who is late is shown how it ended."""
    form = await visit.form()
    _, order = await _own_step(visit)
    try:
        await visit.api.answer_sandbox_action(visit.part("token"), form["answer"] == "yes", key=form.key)
    except Problem as problem:
        if problem.status != 409:
            raise
    flash = "payment_confirmed" if form["answer"] == "yes" else "payment_refused"
    return visit.go(f"/orders/{order['id']}#order-payment", flash)


async def refund_payment(visit: Visit) -> web.StreamResponse:
    """The provider or staff give the payment back, or a part of it."""
    form = await visit.form()
    order_id = visit.part("order_id")
    try:
        amount = _refunded(form)
        await visit.api.refund_payment(form["payment_id"], form["reason"], amount, key=form.key)
    except money.NoAmount as error:
        form.refuse("amount", str(error))
        return await show_again(visit, {"refund": form})
    except Problem as problem:
        if problem.status not in REFUSED:
            raise
        return await show_again(visit, {"refund": form.take(problem, ("amount", "reason"))})
    return visit.go(f"/orders/{order_id}#order-payment", "refunded")


async def show_typed_refund(visit: Visit, form: Form) -> web.StreamResponse:
    """The page with what was typed for a refund."""
    return await show_again(visit, {"refund": form})


def _refunded(form: Form) -> Money | None:
    """A part of the payment, or None for all that is left."""
    return money.read_money(form["amount"], form["currency"]) if form["amount"].strip() else None


async def show_receipt(visit: Visit) -> web.StreamResponse:
    """The receipt, to look at."""
    return pass_on(await visit.api.receipt(visit.part("payment_id"), "html"), "text/html", "receipt.html")


async def show_receipt_pdf(visit: Visit) -> web.StreamResponse:
    """The receipt, to keep."""
    return pass_on(await visit.api.receipt(visit.part("payment_id")), "application/pdf", "receipt.pdf")


PAGES = (
    Page("POST", "/orders/{order_id}/payments", pay_order, Who.SIGNED_IN),
    Page("POST", "/orders/{order_id}/refunds", refund_payment, Who.SIGNED_IN, again=show_typed_refund),
    Page("GET", "/pay/{token}", show_sandbox_step, Who.SIGNED_IN),
    Page("POST", "/pay/{token}", answer_sandbox_step, Who.SIGNED_IN),
    Page("GET", "/payments/{payment_id}/receipt", show_receipt, Who.SIGNED_IN),
    Page("GET", "/payments/{payment_id}/receipt.pdf", show_receipt_pdf, Who.SIGNED_IN),
)
