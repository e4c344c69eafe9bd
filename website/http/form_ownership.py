"""Forms are processed only for the account they were shown to.

A form that arrives when its owner is not signed in travels through the sign-in page in a hidden field,
encrypted: the site stores nothing, cookies are too small, and nobody else can read it. After signing in,
the owner sees the form with the text and may send it again.
"""

from urllib.parse import urlsplit

import structlog
from aiohttp import web

from kit.http.body import RefusedBody
from kit.localization.translations import language_of, use_language
from website.forms.form import Form
from website.http.page_request import FORM_PAGES, Access, Page, PageRequest, is_own_path, sign_in_path
from website.security.account_signatures import ANONYMOUS
from website.security.pending_forms import PendingForm
from website.security.sessions import person_of
from website.site import API_ERRORS

log = structlog.get_logger(__name__)


async def require_owner(request: PageRequest, page: Page) -> web.Response | None:
    """Returns None when a form may be processed: its owner sent it, or nobody is signed in.

    Otherwise returns the page that explains the refusal. The text of a form without a valid owner is not
    shown to anybody.
    """
    person = request.person
    if person is None or page.access is Access.SIGNING_IN:
        return None
    form = await request.form()
    owner = request.site.account_signer.read_field(form.owner)
    if owner == person.id:
        return None
    log.info("form_of_another_account", request_id=request.id, owner=owner, account_id=person.id)
    pending = await _pending_form(request, form, owner or ANONYMOUS)
    return await request.render(
        "other_account.html",
        status=409 if owner else 422,
        reload_path=_return_path(request),
        owner_name=pending.name if pending.name != person.display_name else "",
        is_known=bool(owner),
        pending_form=_encrypted(request, page, pending),
        back=_return_path(request),
    )


async def ask_to_sign_in(request: PageRequest, flash: str) -> web.Response:
    """Returns the sign-in page, which leads back; a form that was sent is preserved."""
    try:
        form = await request.form() if request.page and request.page.redisplay else Form()
    except RefusedBody:
        form = Form()  # unreadable, so there is nothing to show again
    owner = request.site.account_signer.read_field(form.owner) or ANONYMOUS
    if request.page and owner != ANONYMOUS:
        pending = await _pending_form(request, form, owner)
        if encrypted := _encrypted(request, request.page, pending):
            return await show_sign_in(request, Form(), 403, encrypted)
    return request.redirect(sign_in_path(_return_path(request)), flash)


async def show_sign_in(
    request: PageRequest, form: Form, status: int = 200, encrypted: str = "", has_signed_out: bool = False
) -> web.Response:
    """Returns the sign-in page; `encrypted` is a pending form that its owner gets back after signing in.

    With `has_signed_out`, the page also removes the drafts stored in the browser.
    """
    pending = request.site.pending_forms.decrypt(encrypted) if encrypted else None
    action = request.path if pending is None or request.raw.path == "/sign-in" else sign_in_path(pending.back)
    return await request.render(
        "sign_in.html",
        status=status,
        reload_path=action,
        form=form,
        action=action,
        pending_form=encrypted if pending else "",
        owner_name=pending.name if pending else "",
        has_signed_out=has_signed_out,
    )


async def resume_form(request: PageRequest, encrypted: str) -> web.StreamResponse | None:
    """Returns the page with the pending form, to be checked and sent again.

    Returns None when there is no form, or it belongs to another account than the one that signed in.
    """
    pending = request.site.pending_forms.decrypt(encrypted) if encrypted else None
    session = request.api.session
    if pending is None or session is None or pending.account_id != session["account"]["id"]:
        return None
    page = request.raw.app[FORM_PAGES].get(pending.page)
    if page is None or page.redisplay is None:
        return None
    request.person = person_of(session)
    use_language(language_of(request.locale))
    request.switch_to(pending.path, pending.parts)
    return await page.redisplay(request, Form(values=pending.values))


def _return_path(request: PageRequest) -> str:
    """Returns where to continue after signing in: this page, or the page that showed the form."""
    if request.raw.method == "POST":
        try:
            sent_from = urlsplit(request.raw.headers.get("Referer", "")).path
        except ValueError:  # an invalid URL
            sent_from = ""
        if is_own_path(sent_from):
            return sent_from
    return request.path  # a GET of a form's address redirects to the page that shows the form


async def _pending_form(request: PageRequest, form: Form, owner: str) -> PendingForm:
    parts = {**request.raw.match_info}
    name = await _display_name(request, owner) if owner != ANONYMOUS else ""
    page = request.page.path if request.page else ""
    return PendingForm(owner, name, page, parts, request.path, _return_path(request), dict(form.values))


def _encrypted(request: PageRequest, page: Page, pending: PendingForm) -> str:
    """Returns an empty text for a form that has no owner or cannot be shown again."""
    can_resume = page.redisplay is not None and pending.account_id != ANONYMOUS
    return request.site.pending_forms.encrypt(pending) if can_resume else ""


async def _display_name(request: PageRequest, account_id: str) -> str:
    """Returns the name on a public profile; empty when there is none, or the API does not answer."""
    try:
        return (await request.api.profile(account_id))["display_name"]
    except API_ERRORS as error:
        log.info("owner_name_unavailable", request_id=request.id, error=repr(error))
        return ""
