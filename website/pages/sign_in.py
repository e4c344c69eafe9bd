"""Sign-up, sign-in and sign-out."""

import structlog
from aiohttp import web

from client import Problem
from client.arguments import AccountChanges
from kit.localization.locales import DEFAULT_TAG
from kit.localization.translations import gettext, language_of
from website.forms.form import Form
from website.http.form_ownership import resume_form, show_sign_in
from website.http.page_request import Access, Page, PageRequest
from website.site import API_ERRORS
from website.views.languages import is_zone

log = structlog.get_logger(__name__)

FIRST_PAGE = "/orders"


async def show_sign_in_page(request: PageRequest) -> web.StreamResponse:
    """Shows the form; redirects visitors who are signed in."""
    if request.person is not None:
        return request.redirect(request.next_path(FIRST_PAGE))
    return await show_sign_in(request, Form())


async def sign_in(request: PageRequest) -> web.StreamResponse:
    """Opens a session and redirects to the requested page. A pending form is shown to its owner, and
    dropped for anybody else."""
    form = await request.form()
    try:
        email, password = form["email"].strip(), form["password"]
        await request.api.sign_in(email, password, key=form.key, device_token=request.device_tokens)
    except Problem as problem:
        return await show_sign_in(request, _with_problem(form, problem), 422, form.pending_form)
    return await resume_form(request, form.pending_form) or request.redirect(request.next_path(FIRST_PAGE))


async def show_sign_up(request: PageRequest) -> web.StreamResponse:
    """Shows the form."""
    if request.person is not None:
        return request.redirect(request.next_path(FIRST_PAGE))
    return await request.render("sign_up.html", form=Form())


async def sign_up(request: PageRequest) -> web.StreamResponse:
    """Creates an account and signs it in."""
    form = await request.form()
    email, password, language = form["email"].strip(), form["password"], request.locale
    try:
        await request.api.register_account(email, password, form["display_name"].strip(), key=form.key)
        await request.api.sign_in(email, password, device_token=request.device_tokens)
    except Problem as problem:
        return await request.render("sign_up.html", status=422, form=_with_problem(form, problem))
    await _set_zone_and_language(request, form["time_zone"], language)
    return request.redirect(request.next_path("/"), "welcome")


async def _set_zone_and_language(request: PageRequest, zone: str, language: str) -> None:
    """Takes over the browser's time zone and language; the settings have both, should this fail."""
    changes: AccountChanges = {"time_zone": zone} if is_zone(zone) else {}
    if language_of(language) != DEFAULT_TAG:
        changes["locale"] = language
    if not changes:
        return
    try:
        request.update_account(await request.api.change_me(**changes))
    except API_ERRORS as error:
        log.info("preferences_not_set", request_id=request.id, error=repr(error))


async def sign_out(request: PageRequest) -> web.StreamResponse:
    """Ends the session here and at the API, whatever the API answers. The pending form of another account
    is pending_form to the sign-in page."""
    form = await request.form()
    if request.person is not None:
        try:
            await request.api.sign_out()
        except Problem:
            request.api.connection.use(None)
    request.person = None
    if request.site.pending_forms.decrypt(form.pending_form) is None:
        response = request.redirect("/", "signed_out")
    else:
        response = await show_sign_in(request, Form(), encrypted=form.pending_form, has_signed_out=True)
    response.headers["Clear-Site-Data"] = '"storage"'  # drafts
    return response


def _with_problem(form: Form, problem: Problem) -> Form:
    if problem.code == "invalid_credentials":
        form.summary = gettext("E-mail address and password do not match.")
    elif problem.code == "email_taken":
        message = gettext("There is an account with this address already. Sign in instead.")
        form.add_error("email", message)
    elif problem.status in (409, 422, 429):
        form.add_problem(problem, ("email", "password", "display_name"))
    else:
        raise problem
    return form


PAGES = (
    Page("GET", "/sign-in", show_sign_in_page),
    Page("POST", "/sign-in", sign_in, Access.SIGNING_IN),
    Page("GET", "/sign-up", show_sign_up),
    Page("POST", "/sign-up", sign_up, Access.SIGNING_IN),
    Page("POST", "/sign-out", sign_out),
)
