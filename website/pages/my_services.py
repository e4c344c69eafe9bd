"""My Services: a provider posts, edits, pauses and archives services."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, cast

from aiohttp import web

from client import Problem
from client.arguments import ServiceChanges
from client.resources import Service
from kit.localization.translations import N_, gettext
from website.forms.form import NEXT, Form
from website.forms.money import currency_choices
from website.forms.service_form import FIELDS, FIRST_VALUES, differences, read_service, values_of
from website.http.page_request import Access, Page, PageRequest, is_own_path
from website.pages.services import with_query
from website.views.labels import category_name

MY_SERVICES = "/dashboard/services"
PER_PAGE = 20
TABS = {
    "": N_("All"),
    "active": N_("Active"),
    "draft": N_("Drafts"),
    "paused": N_("Paused"),
    "archived": N_("Archived"),
}
STALE = N_(
    "This service was changed meanwhile, perhaps by you in another window. What is there now stands "
    "beside what you typed; saving again replaces it."
)

Status = Literal["draft", "active", "paused", "archived"]
Change = Callable[[PageRequest, Service, str], Coroutine[Any, Any, object]]


async def show_own_services(request: PageRequest) -> web.StreamResponse:
    """Shows the provider's services by status, newest first."""
    asked = request.query.get("status", "")
    status = cast(Status, asked) if asked in TABS and asked else None
    own, categories = await asyncio.gather(_own_services(request, status), request.api.categories())
    return await request.render(
        "my_services.html",
        tabs=TABS,
        tab=status or "",
        services=own["data"],
        next_page=with_query(request, cursor=own["page"]["next_cursor"]) if own["page"]["has_more"] else None,
        is_first="cursor" not in request.query,
        first_page=with_query(request, cursor=None),
        names={category["id"]: category["name"] for category in categories},
    )


async def _own_services(request: PageRequest, status: Status | None) -> Any:
    """Returns a page of services; the first one when the cursor is invalid."""
    cursor = request.query.get("cursor") or None
    try:
        return await request.api.own_services(limit=PER_PAGE, status=status, cursor=cursor)
    except Problem as problem:
        if problem.status != 400:
            raise
        return await request.api.own_services(limit=PER_PAGE, status=status)


async def show_new_service(request: PageRequest) -> web.StreamResponse:
    """Shows the form of a new service."""
    return await _show_form(request, Form(values=FIRST_VALUES))


async def post_service(request: PageRequest) -> web.StreamResponse:
    """Posts a service, or stores it as a draft."""
    form = await request.form()
    is_draft = form["save"] == "draft"
    offer = cast(Any, read_service(form))
    if not form.errors:
        try:
            service = await request.api.post_service(
                **offer, status="draft" if is_draft else None, key=form.key
            )
            return request.redirect(
                f"/services/{service['id']}", "service_drafted" if is_draft else "service_posted"
            )
        except Problem as problem:
            _add_problem(form, problem)
    return await _show_form(request, form, status=422)


async def show_typed_service(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the form with the typed values; for an existing service, with the version that was edited."""
    if "service_id" not in request.path_parameters:
        return await _show_form(request, form)
    return await _show_form(request, form, await _own_service(request), version=form["version"])


async def show_service_form(request: PageRequest) -> web.StreamResponse:
    """Shows the form of an existing service."""
    service, categories = await asyncio.gather(_own_service(request), request.api.categories())
    return await _show_form(request, Form(values=values_of(service)), service, categories=categories)


async def edit_service(request: PageRequest) -> web.StreamResponse:
    """Saves a service, unless it was changed since the form was shown."""
    form = await request.form()
    changes = read_service(form)
    service = await _own_service(request)
    if form.errors:
        return await _show_form(request, form, service, version=form["version"], status=422)
    seen = cast(Service, {**service, "version": form.whole_number("version")})
    try:
        await request.api.change_service(seen, key=form.key, **changes)
    except Problem as problem:
        if problem.status != 412:
            _add_problem(form, problem)
            return await _show_form(request, form, service, version=form["version"], status=422)
        form.summary = gettext(STALE)
        now = differences(form.values, values_of(service))
        return await _show_form(request, form, service, now=now, status=422)
    return request.redirect(f"/services/{service['id']}", "service_saved")


async def _show_form(
    request: PageRequest, form: Form, service: Service | None = None, status: int = 200, **more: Any
) -> web.Response:
    """Shows the form. `now` are the current values of fields where something else was typed; `version` is the
    service's own unless an older one is given."""
    categories = more.get("categories") or await request.api.categories()
    version = more.get("version") or (service["version"] if service is not None else "")
    return await request.render(
        "service_form.html",
        status=status,
        form=form,
        service=service,
        version=version,
        now=more.get("now", {}),
        categories=[
            (category["id"], category_name(category["id"], category["name"])) for category in categories
        ],
        currencies=currency_choices(form["currency"]),
    )


async def _own_service(request: PageRequest) -> Service:
    """Returns the service of the path. Raises: HTTPNotFound when it is another provider's."""
    service = await request.api.service(request.path_id("service_id"))
    if service["provider"]["id"] != request.signed_in_person.id:
        raise web.HTTPNotFound
    return service


def _add_problem(form: Form, problem: Problem) -> None:
    """Adds the errors that the provider can correct to the form. Raises: Problem, any other."""
    if problem.status not in (409, 422, 429):
        raise problem
    form.add_problem(problem, FIELDS)


def _status_handler(
    flash: str, change: Change, wanted: Status
) -> Callable[[PageRequest], Coroutine[Any, Any, web.Response]]:
    """Returns a handler that changes the status of a service, whatever its version is."""

    async def change_status(request: PageRequest) -> web.Response:
        form = await request.form()
        back = form[NEXT] if is_own_path(form[NEXT]) else MY_SERVICES
        try:
            service = await _own_service(request)
            if wanted != "archived" and not service["available_actions"]:
                return request.redirect(back, "service_is_archived")
            await _change_latest_version(request, service, change, form.key)
        except Problem as problem:
            if problem.code != "service_archived" or wanted == "archived":
                raise
            return request.redirect(back, "service_is_archived")
        return request.redirect(back, flash)

    return change_status


async def _change_latest_version(request: PageRequest, service: Service, change: Change, key: str) -> None:
    """Changes a service, a second time if it was changed concurrently."""
    try:
        await change(request, service, key)
    except Problem as problem:
        if problem.status != 412:
            raise
        await change(request, await _own_service(request), key)


async def _activate(request: PageRequest, service: Service, key: str) -> None:
    if not {"publish", "resume"} & {*service["available_actions"]}:
        return  # it is active
    await request.api.change_service(service, key=key, **ServiceChanges(status="active"))


async def _pause(request: PageRequest, service: Service, key: str) -> None:
    if "pause" not in service["available_actions"]:
        return  # it is a draft, or paused
    await request.api.change_service(service, key=key, **ServiceChanges(status="paused"))


async def _archive(request: PageRequest, service: Service, key: str) -> None:
    if "archive" in service["available_actions"]:
        await request.api.archive_service(service, key=key)


pause_service = _status_handler("service_paused", _pause, "paused")
resume_service = _status_handler("service_resumed", _activate, "active")
publish_service = _status_handler("service_posted", _activate, "active")
archive_service = _status_handler("service_archived", _archive, "archived")

_ONE = MY_SERVICES + "/{service_id}"
PAGES = (
    Page("GET", MY_SERVICES, show_own_services, Access.SIGNED_IN),
    Page("GET", f"{MY_SERVICES}/new", show_new_service, Access.SIGNED_IN),
    Page("POST", f"{MY_SERVICES}/new", post_service, Access.SIGNED_IN, redisplay=show_typed_service),
    Page("GET", _ONE, show_service_form, Access.SIGNED_IN),
    Page("POST", _ONE, edit_service, Access.SIGNED_IN, redisplay=show_typed_service),
    Page("POST", f"{_ONE}/pause", pause_service, Access.SIGNED_IN),
    Page("POST", f"{_ONE}/resume", resume_service, Access.SIGNED_IN),
    Page("POST", f"{_ONE}/publish", publish_service, Access.SIGNED_IN),
    Page("POST", f"{_ONE}/archive", archive_service, Access.SIGNED_IN),
)
