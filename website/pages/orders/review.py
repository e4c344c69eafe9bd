"""The review of a completed order, and the reply to it."""

from aiohttp import web

from client import Problem
from kit.localization.translations import gettext
from website.forms.form import Form
from website.http.page_request import Access, Page, PageRequest, Redisplay
from website.pages.orders.order import FORM_ERRORS, show_with_forms


async def submit_review(request: PageRequest) -> web.StreamResponse:
    """Submits a review."""
    form = await request.form()
    if (rating := _rating(form)) is None:
        return await show_with_forms(request, {"review": form})
    try:
        text = form["text"].strip() or None
        await request.api.submit_review(request.path_id("order_id"), rating, text, key=form.key)
    except Problem as problem:
        return await _show_problem(request, "review", form, problem)
    return request.redirect(f"/orders/{request.path_id('order_id')}#order-review", "review_submitted")


async def change_review(request: PageRequest) -> web.StreamResponse:
    """Changes a review."""
    form = await request.form()
    if (rating := _rating(form)) is None:
        return await show_with_forms(request, {"review_edit": form})
    try:
        review = await request.api.review(request.path_id("order_id"))
        text = form["text"].strip() or None
        await request.api.change_review(review["id"], key=form.key, rating=rating, text=text)
    except Problem as problem:
        return await _show_problem(request, "review_edit", form, problem)
    return request.redirect(f"/orders/{request.path_id('order_id')}#order-review", "review_changed")


async def reply_to_review(request: PageRequest) -> web.StreamResponse:
    """Posts the provider's reply."""
    form = await request.form()
    try:
        review = await request.api.review(request.path_id("order_id"))
        await request.api.reply_to_review(review["id"], form["text"], key=form.key)
    except Problem as problem:
        return await _show_problem(request, "reply", form, problem)
    return request.redirect(f"/orders/{request.path_id('order_id')}#order-review", "review_replied")


def _show_typed(name: str) -> Redisplay:
    async def show_typed(request: PageRequest, form: Form) -> web.StreamResponse:
        return await show_with_forms(request, {name: form})

    return show_typed


def _rating(form: Form) -> int | None:
    if form["rating"] in ("1", "2", "3", "4", "5"):
        return int(form["rating"])
    form.add_error("rating", gettext("Choose one to five stars."))
    return None


async def _show_problem(request: PageRequest, name: str, form: Form, problem: Problem) -> web.StreamResponse:
    if problem.status not in FORM_ERRORS:
        raise problem
    return await show_with_forms(request, {name: form.add_problem(problem, ("rating", "text"))})


PAGES = (
    Page(
        "POST", "/orders/{order_id}/review", submit_review, Access.SIGNED_IN, redisplay=_show_typed("review")
    ),
    Page(
        "POST",
        "/orders/{order_id}/review/edit",
        change_review,
        Access.SIGNED_IN,
        redisplay=_show_typed("review_edit"),
    ),
    Page(
        "POST",
        "/orders/{order_id}/review/reply",
        reply_to_review,
        Access.SIGNED_IN,
        redisplay=_show_typed("reply"),
    ),
)
