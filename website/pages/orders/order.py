"""The page of an order: its status, timeline and messages, and what its reader may do."""

from aiohttp import web

from client import Problem
from kit.localization.translations import gettext
from website.forms.form import Form
from website.http.page_request import Access, Page, PageRequest
from website.pages.orders.order_view import OrderView, view_order
from website.views import order_banner
from website.views.timeline import timeline

FORM_ERRORS = frozenset({402, 409, 412, 422})
FLASHES = {
    "approve": "order_approved",
    "decline": "order_declined",
    "withdraw": "order_withdrawn",
    "complete_work": "work_completed",
    "request_changes": "changes_requested",
    "confirm": "order_confirmed",
    "cancel": "order_cancelled",
    "open_dispute": "dispute_opened",
    "resolve_dispute": "dispute_resolved",
}


async def show_order(request: PageRequest) -> web.StreamResponse:
    """Shows the order; its messages and notifications are marked as read."""
    return await show_with_forms(request, {})


async def show_with_forms(request: PageRequest, forms: dict[str, Form]) -> web.StreamResponse:
    """Shows the page with refused forms as they were sent."""
    before = request.query.get("before") if not forms else None
    until = request.query.get("until") if before else None
    if before is None:
        request.mark_order_notifications_read(request.path_id("order_id"))
    view = await view_order(
        request.api, request.path_id("order_id"), request.signed_in_person.id, before, until
    )
    view.forms = forms
    _mark_read(request, view)
    again = f"/orders/{view.order['id']}"
    return await request.render("order.html", 422 if forms else 200, again, **_shown(request, view))


def _shown(request: PageRequest, view: OrderView) -> dict[str, object]:
    page = view.messages["page"]
    return {
        "view": view,
        "order": view.order,
        "role": view.role,
        "banner": order_banner.banner_of(view.order, view.role, view.can_submit_review, view.payment),
        "progress": order_banner.progress_of(view.order, view.transitions),
        "timeline_entries": timeline(
            view.transitions,
            view.movements,
            view.messages["data"],
            not page["has_more"],
            view.until,
            request.signed_in_person.time_zone,
        ),
        "earlier": view.earlier,
        "is_newest": view.before is None,
        "methods": request.site.settings.methods,
    }


def _mark_read(request: PageRequest, view: OrderView) -> None:
    if not request.is_viewed or view.before is not None:
        return
    if (message_id := view.unread_message) is not None:
        request.site.run_in_background(request.api.mark_messages_read(view.order["id"], message_id))


async def transition_order(request: PageRequest) -> web.StreamResponse:
    """Takes a transition, on the version that was shown."""
    form = await request.form()
    order_id, transition = request.path_id("order_id"), form["transition"]
    try:
        await request.api.transition(
            order_id,
            transition,
            reason=form["reason"] or None,
            note=form["note"] or None,
            to_status=form.number_or_none("to_status"),
            version=form.number_or_none("version"),
            key=form.key,
        )
    except Problem as problem:
        if problem.status not in FORM_ERRORS:
            raise
        return await show_with_forms(request, {transition: _refused_step(form, problem)})
    return request.redirect(f"/orders/{order_id}", FLASHES.get(transition, ""))


def _refused_step(form: Form, problem: Problem) -> Form:
    if problem.status in (409, 412):
        form.summary = gettext("The order has moved on since you looked at it. This is how it stands now.")
        return form
    return form.add_problem(problem, ("reason", "note", "to_status"))


async def show_typed_step(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the page with the typed values of a transition."""
    return await show_with_forms(request, {form["transition"]: form})


async def show_typed_message(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the page with the typed message."""
    return await show_with_forms(request, {"message": form})


async def post_message(request: PageRequest) -> web.StreamResponse:
    """Posts a message to the other party, in any status."""
    form = await request.form()
    order_id = request.path_id("order_id")
    try:
        await request.api.post_message(order_id, form["body"], key=form.key)
    except Problem as problem:
        if problem.status not in FORM_ERRORS:
            raise
        return await show_with_forms(request, {"message": form.add_problem(problem, ("body",))})
    return request.redirect(f"/orders/{order_id}#latest")


PAGES = (
    Page("GET", "/orders/{order_id}", show_order, Access.SIGNED_IN),
    Page(
        "POST",
        "/orders/{order_id}/transitions",
        transition_order,
        Access.SIGNED_IN,
        redisplay=show_typed_step,
    ),
    Page("POST", "/orders/{order_id}/messages", post_message, Access.SIGNED_IN, redisplay=show_typed_message),
)
