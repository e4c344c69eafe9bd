"""The settings of an account."""

import asyncio
from typing import Any

from aiohttp import web

from client import Problem
from client.arguments import ChannelChanges, PreferenceChanges
from client.resources import Account, Preferences
from kit.localization.locales import bounded_tag
from kit.localization.translations import N_
from website.forms.form import Form
from website.http.page_request import Access, Page, PageRequest
from website.views.browser_names import browser_in_words
from website.views.languages import language_choices, zone_choices
from website.views.security_events import event_in_words, origin_in_words

PATH = "/settings"
SESSIONS_SHOWN = 100
EVENTS_SHOWN = 20
ABOUT_ME = ("display_name", "bio", "time_zone", "locale")
CATEGORIES = {
    "order_updates": N_("Order updates"),
    "messages": N_("Messages"),
    "reviews": N_("Reviews"),
    "payments": N_("Payments"),
}
CHANNELS = {"in_app": N_("On this site"), "email": N_("By e-mail")}


async def show_settings(request: PageRequest) -> web.StreamResponse:
    """Shows all sections."""
    return await _show(request)


async def _show(request: PageRequest, status: int = 200, **sent: Form) -> web.Response:
    """Shows the page; `sent` are refused forms with their typed values, by section."""
    account, sessions, preferences, happened = await asyncio.gather(
        request.api.me(),
        request.api.sessions(limit=SESSIONS_SHOWN),
        request.api.notification_preferences(),
        request.api.security_events(limit=EVENTS_SHOWN),
    )
    about_me = sent.get("about_me") or Form(values=_about(account))
    places = sorted(sessions["data"], key=lambda place: not place["current"])
    return await request.render(
        "settings.html",
        status=status,
        reload_path=PATH,
        account=account,
        about_me=about_me,
        password=sent.get("password") or Form(),
        places=[(place, browser_in_words(place["client"])) for place in places],
        security_events=[(one, event_in_words(one), origin_in_words(one)) for one in happened["data"]],
        choices=_choices(preferences),
        channels=CHANNELS,
        languages=language_choices(bounded_tag(about_me["locale"])),
        zones=zone_choices(about_me["time_zone"]),
    )


def _about(account: Account) -> dict[str, str]:
    """Returns the values of the profile form."""
    values = {name: str(account[name]) for name in ABOUT_ME}  # type: ignore[literal-required]
    return {**values, "locale": bounded_tag(values["locale"])}


def _choices(preferences: Preferences) -> list[tuple[str, str, dict[str, bool]]]:
    """Returns each category of notifications with its name and its channels."""
    return [(key, name, dict(preferences[key])) for key, name in CATEGORIES.items()]  # type: ignore[literal-required]


async def change_profile(request: PageRequest) -> web.StreamResponse:
    """Changes name, biography, time zone and language."""
    form = await request.form()
    changes: Any = {name: form[name].strip() for name in ABOUT_ME if name in form.values}
    try:
        account = await request.api.change_me(key=form.key, **changes)
    except Problem as problem:
        return await _show(request, 422, about_me=_with_problem(form, problem))
    request.update_account(account)
    return request.redirect(PATH, "profile_saved")


async def show_typed_profile(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows all sections, the profile with the typed values."""
    return await _show(request, about_me=form)


async def change_password(request: PageRequest) -> web.StreamResponse:
    """Changes the password; every other session ends."""
    form = await request.form()
    try:
        await request.api.change_password(form["current_password"], form["new_password"], key=form.key)
    except Problem as problem:
        return await _show(request, 422, password=_with_problem(form, problem))
    return request.redirect(PATH, "password_changed")


def _with_problem(form: Form, problem: Problem) -> Form:
    if problem.status not in (409, 412, 422, 429):
        raise problem
    return form.add_problem(problem)


async def sign_out_place(request: PageRequest) -> web.StreamResponse:
    """Ends one of the visitor's sessions."""
    try:
        await request.api.sign_out(request.path_id("session_id"))
    except Problem as problem:
        if problem.status != 404:  # it has ended already
            raise
    return request.redirect(PATH, "place_signed_out")


async def sign_out_everywhere(request: PageRequest) -> web.StreamResponse:
    """Ends all sessions, this one included."""
    await request.api.sign_out_everywhere()
    response = request.redirect("/sign-in", "signed_out_everywhere")
    response.headers["Clear-Site-Data"] = '"storage"'  # drafts
    return response


async def choose_notifications(request: PageRequest) -> web.StreamResponse:
    """Stores the notification preferences: a checkbox that is not sent is off."""
    form = await request.form()
    changes: PreferenceChanges = {}
    for category in CATEGORIES:
        changes[category] = ChannelChanges(  # type: ignore[literal-required]
            in_app=bool(form[f"{category}.in_app"]), email=bool(form[f"{category}.email"])
        )
    await request.api.change_notification_preferences(**changes)
    return request.redirect(PATH, "preferences_saved")


PAGES = (
    Page("GET", PATH, show_settings, Access.SIGNED_IN),
    Page("POST", PATH + "/profile", change_profile, Access.SIGNED_IN, redisplay=show_typed_profile),
    Page("POST", PATH + "/password", change_password, Access.SIGNED_IN),
    Page("POST", PATH + "/sessions/everywhere/sign-out", sign_out_everywhere, Access.SIGNED_IN),
    Page("POST", PATH + "/sessions/{session_id}/sign-out", sign_out_place, Access.SIGNED_IN),
    Page("POST", PATH + "/notifications", choose_notifications, Access.SIGNED_IN),
)
