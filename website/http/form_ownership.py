"""Forms that are not acted on because somebody else, or nobody, is signed in.

What was typed travels through the sign-in page in a hidden field, sealed for its owner: the site stores
nothing, cookies are too small, and nobody else can read it. Signed in again, its owner is shown the form
with the text and sends it, or not.
"""

from urllib.parse import urlsplit

import structlog
from aiohttp import web

from kit.http.body import RefusedBody
from website.forms.form import Form
from website.http.page_request import FORMS, Page, Visit, Who, is_own_path, sign_in_path
from website.security.account_signatures import NOBODY
from website.security.pending_forms import Unsent
from website.security.sessions import person_of
from website.site import LOST

log = structlog.get_logger(__name__)


async def refuse_unless_owner(visit: Visit, page: Page) -> web.Response | None:
    """None when a form may be acted on: its owner sent it, or nobody is signed in to act for.

    A form that does not say whose it is gets refused too; what was typed into it is shown to nobody.
    """
    person = visit.person
    if person is None or page.who is Who.SIGNING_IN:
        return None
    form = await visit.form()
    owner = visit.site.owners.read(form.owner)
    if owner == person.id:
        return None
    log.info("form_of_another_account", visit_id=visit.id, owner=owner, account_id=person.id)
    unsent = await _unsent(visit, form, owner or NOBODY)
    return await visit.show(
        "other_account.html",
        status=409 if owner else 422,
        again=_back_path(visit),
        owner_name=unsent.name if unsent.name != person.display_name else "",
        is_known=bool(owner),
        carried=_sealed(visit, page, unsent),
        back=_back_path(visit),
    )


async def ask_to_sign_in(visit: Visit, flash: str) -> web.Response:
    """The sign-in page, which leads back; a form that was sent goes along."""
    try:
        form = await visit.form() if visit.page and visit.page.again else Form()
    except RefusedBody:
        form = Form()  # nothing that could be shown again
    owner = visit.site.owners.read(form.owner) or NOBODY
    if visit.page and owner != NOBODY:
        unsent = await _unsent(visit, form, owner)
        if carried := _sealed(visit, visit.page, unsent):
            return await show_sign_in(visit, Form(), 403, carried)
    return visit.go(sign_in_path(_back_path(visit)), flash)


async def show_sign_in(
    visit: Visit, form: Form, status: int = 200, carried: str = "", has_signed_out: bool = False
) -> web.Response:
    """The sign-in page; `carried` is a sealed form that its owner gets back after signing in. Shown to a
    visitor who `has_signed_out` just now, it is also the end of all drafts."""
    unsent = visit.site.unsent.open(carried) if carried else None
    action = visit.path if unsent is None or visit.request.path == "/sign-in" else sign_in_path(unsent.back)
    return await visit.show(
        "sign_in.html",
        status=status,
        again=action,
        form=form,
        action=action,
        carried=carried if unsent else "",
        owner_name=unsent.name if unsent else "",
        has_signed_out=has_signed_out,
    )


async def show_unsent(visit: Visit, carried: str) -> web.StreamResponse | None:
    """The form that was carried through the sign-in page, to be checked and sent; None when there is none, or
    it belongs to another account than the one that signed in."""
    unsent = visit.site.unsent.open(carried) if carried else None
    session = visit.api.session
    if unsent is None or session is None or unsent.account_id != session["account"]["id"]:
        return None
    page = visit.request.app[FORMS].get(unsent.page)
    if page is None or page.again is None:
        return None
    visit.person = person_of(session)
    visit.continue_at(unsent.path, unsent.parts)
    return await page.again(visit, Form(values=unsent.values))


def _back_path(visit: Visit) -> str:
    """Where to go on after signing in: the page itself, or the one whose form was sent."""
    if visit.request.method == "POST":
        try:
            sent_from = urlsplit(visit.request.headers.get("Referer", "")).path
        except ValueError:  # no address
            sent_from = ""
        if is_own_path(sent_from):
            return sent_from
    return visit.path  # a form's address, asked for as a page, leads to where the form was


async def _unsent(visit: Visit, form: Form, owner: str) -> Unsent:
    parts = {**visit.request.match_info}
    name = await _name_of(visit, owner) if owner != NOBODY else ""
    page = visit.page.path if visit.page else ""
    return Unsent(owner, name, page, parts, visit.path, _back_path(visit), dict(form.values))


def _sealed(visit: Visit, page: Page, unsent: Unsent) -> str:
    """Empty where there is no owner, or nothing typed to be shown again: passwords never travel."""
    return visit.site.unsent.seal(unsent) if page.again and unsent.account_id != NOBODY else ""


async def _name_of(visit: Visit, account_id: str) -> str:
    """The name on a public profile; empty when there is none, or it cannot be asked for now."""
    try:
        return (await visit.api.profile(account_id))["display_name"]
    except LOST as error:
        log.info("owner_not_named", visit_id=visit.id, error=repr(error))
        return ""
