"""Signing up, in and out."""

import structlog
from aiohttp import web

from client import Problem
from website.forms.form import Form
from website.http.form_ownership import show_sign_in, show_unsent
from website.http.page_request import Page, Visit, Who
from website.site import LOST
from website.views.languages import is_zone

log = structlog.get_logger(__name__)

FIRST_PAGE = "/orders"


async def show_sign_in_page(visit: Visit) -> web.StreamResponse:
    """The form; whoever is signed in goes on at once."""
    if visit.person is not None:
        return visit.go(visit.next_path(FIRST_PAGE))
    return await show_sign_in(visit, Form())


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Opens a session and goes where the visitor wanted to go; a form of theirs that was carried along is
    shown again, and dropped when it is another's."""
    form = await visit.form()
    try:
        email, password = form["email"].strip(), form["password"]
        await visit.api.sign_in(email, password, key=form.key, device_token=visit.device_tokens)
    except Problem as problem:
        return await show_sign_in(visit, _taken(form, problem), 422, form.carried)
    return await show_unsent(visit, form.carried) or visit.go(visit.next_path(FIRST_PAGE))


async def show_sign_up(visit: Visit) -> web.StreamResponse:
    """The form."""
    if visit.person is not None:
        return visit.go(visit.next_path(FIRST_PAGE))
    return await visit.show("sign_up.html", form=Form())


async def sign_up(visit: Visit) -> web.StreamResponse:
    """Makes an account and signs it in."""
    form = await visit.form()
    email, password = form["email"].strip(), form["password"]
    try:
        await visit.api.register_account(email, password, form["display_name"].strip(), key=form.key)
        await visit.api.sign_in(email, password, device_token=visit.device_tokens)
    except Problem as problem:
        return await visit.show("sign_up.html", status=422, form=_taken(form, problem))
    await _set_zone(visit, form["time_zone"])
    return visit.go(visit.next_path("/"), "welcome")


async def _set_zone(visit: Visit, zone: str) -> None:
    """Takes over the browser's time zone; without it the account is as good, and settings have it, too."""
    if not is_zone(zone):
        return
    try:
        visit.remember(await visit.api.change_me(time_zone=zone))
    except LOST as error:
        log.info("time_zone_not_set", visit_id=visit.id, error=repr(error))


async def sign_out(visit: Visit) -> web.StreamResponse:
    """Closes the session here and at the API; signed out is signed out, whatever the API says. A form that
    another account sent in vain waits for its owner on the sign-in page."""
    form = await visit.form()
    if visit.person is not None:
        try:
            await visit.api.sign_out()
        except Problem:
            visit.api.connection.use(None)
    visit.person = None
    if visit.site.unsent.open(form.carried) is None:
        response = visit.go("/", "signed_out")
    else:
        response = await show_sign_in(visit, Form(), carried=form.carried, has_signed_out=True)
    response.headers["Clear-Site-Data"] = '"storage"'  # drafts
    return response


def _taken(form: Form, problem: Problem) -> Form:
    if problem.code == "invalid_credentials":
        form.summary = "E-mail address and password do not match."
    elif problem.code == "email_taken":
        form.refuse("email", "There is an account with this address already. Sign in instead.")
    elif problem.status in (409, 422, 429):
        form.take(problem, ("email", "password", "display_name"))
    else:
        raise problem
    return form


PAGES = (
    Page("GET", "/sign-in", show_sign_in_page),
    Page("POST", "/sign-in", sign_in, Who.SIGNING_IN),
    Page("GET", "/sign-up", show_sign_up),
    Page("POST", "/sign-up", sign_up, Who.SIGNING_IN),
    Page("POST", "/sign-out", sign_out),
)
