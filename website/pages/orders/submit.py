"""The order form of a service."""

import json

from aiohttp import web

from client import Problem
from client.resources import Money, Service
from kit.http.body import RefusedBody
from kit.http.parsing import Undecodable, decode_json
from kit.localization.money import format_money
from kit.localization.translations import gettext
from website.forms.form import Form
from website.http.page_request import Access, Page, PageRequest


async def show_order_form(request: PageRequest) -> web.StreamResponse:
    """Shows the form with the service and its price."""
    return await _show(request, await request.api.service(request.path_id("service_id")), Form())


async def submit_order(request: PageRequest) -> web.StreamResponse:
    """Submits an order at the price that was shown; errors are shown on the form."""
    form = await request.form()
    service_id = request.path_id("service_id")
    price = _price_seen(form)
    try:
        order = await request.api.submit_order(service_id, form["requirements"], price, key=form.key)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _show(request, await request.api.service(service_id), form, problem)
    return request.redirect(f"/orders/{order['id']}", "order_submitted")


async def show_typed_order(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the form with the typed values, at the current price."""
    return await _show(request, await request.api.service(request.path_id("service_id")), form)


def _price_seen(form: Form) -> Money:
    try:
        price = decode_json(form["price"])
        if type(price["amount"]) is int and isinstance(price["currency"], str):
            return {"amount": price["amount"], "currency": price["currency"]}
    except (Undecodable, TypeError, KeyError):
        pass
    raise RefusedBody(422, gettext("This form is not as it was shown. Open the page again."))


def _explain(form: Form, problem: Problem, price: str) -> None:
    known = {
        "price_changed": gettext(
            "The price has changed since you saw it: it is {price} now. "
            "Submit the order again if that suits you."
        ).format(price=price),
        "service_unavailable": gettext("This service cannot be ordered at the moment."),
        "own_service": gettext("This is your own service, so you cannot order it."),
        "payment_overdue": " ".join((problem.detail, gettext("A payment of yours is overdue."))),
    }
    if problem.code in known:
        form.summary = known[problem.code]
    else:
        form.add_problem(problem, ("requirements",))


async def _show(
    request: PageRequest, service: Service, form: Form, problem: Problem | None = None
) -> web.StreamResponse:
    person = request.signed_in_person
    if problem is not None:
        _explain(form, problem, format_money(service["price"], person.locale))
    return await request.render(
        "order_form.html",
        status=200 if problem is None else 422,
        service=service,
        price=json.dumps(service["price"]),
        form=form,
        overdue_order=problem.body.get("order_id") if problem is not None else None,
        is_own=person.id == service["provider"]["id"],
    )


PAGES = (
    Page("GET", "/services/{service_id}/order", show_order_form, Access.SIGNED_IN),
    Page("POST", "/services/{service_id}/order", submit_order, Access.SIGNED_IN, redisplay=show_typed_order),
)
