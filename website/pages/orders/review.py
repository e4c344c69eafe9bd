"""Reviewing a completed order, and replying to the review."""

from aiohttp import web

from client import Problem
from website.forms.form import Form
from website.http.page_request import Again, Page, Visit, Who
from website.pages.orders.order import REFUSED, show_again


async def submit_review(visit: Visit) -> web.StreamResponse:
    """Stars and, if wanted, a text."""
    form = await visit.form()
    if (rating := _rating(form)) is None:
        return await show_again(visit, {"review": form})
    try:
        text = form["text"].strip() or None
        await visit.api.submit_review(visit.part("order_id"), rating, text, key=form.key)
    except Problem as problem:
        return await _again(visit, "review", form, problem)
    return visit.go(f"/orders/{visit.part('order_id')}#order-review", "review_submitted")


async def change_review(visit: Visit) -> web.StreamResponse:
    """For a day the author may change what they said."""
    form = await visit.form()
    if (rating := _rating(form)) is None:
        return await show_again(visit, {"review_edit": form})
    try:
        review = await visit.api.review(visit.part("order_id"))
        text = form["text"].strip() or None
        await visit.api.change_review(review["id"], key=form.key, rating=rating, text=text)
    except Problem as problem:
        return await _again(visit, "review_edit", form, problem)
    return visit.go(f"/orders/{visit.part('order_id')}#order-review", "review_changed")


async def reply_to_review(visit: Visit) -> web.StreamResponse:
    """The provider's one reply."""
    form = await visit.form()
    try:
        review = await visit.api.review(visit.part("order_id"))
        await visit.api.reply_to_review(review["id"], form["text"], key=form.key)
    except Problem as problem:
        return await _again(visit, "reply", form, problem)
    return visit.go(f"/orders/{visit.part('order_id')}#order-review", "review_replied")


def _show_typed(name: str) -> Again:
    async def show_typed(visit: Visit, form: Form) -> web.StreamResponse:
        return await show_again(visit, {name: form})

    return show_typed


def _rating(form: Form) -> int | None:
    if form["rating"] in ("1", "2", "3", "4", "5"):
        return int(form["rating"])
    form.refuse("rating", "Choose one to five stars.")
    return None


async def _again(visit: Visit, name: str, form: Form, problem: Problem) -> web.StreamResponse:
    if problem.status not in REFUSED:
        raise problem
    return await show_again(visit, {name: form.take(problem, ("rating", "text"))})


PAGES = (
    Page("POST", "/orders/{order_id}/review", submit_review, Who.SIGNED_IN, again=_show_typed("review")),
    Page(
        "POST",
        "/orders/{order_id}/review/edit",
        change_review,
        Who.SIGNED_IN,
        again=_show_typed("review_edit"),
    ),
    Page(
        "POST", "/orders/{order_id}/review/reply", reply_to_review, Who.SIGNED_IN, again=_show_typed("reply")
    ),
)
