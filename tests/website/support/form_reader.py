"""Somebody at the site without scripts: reads pages and sends their forms, over plain HTTP."""

import functools
from dataclasses import dataclass

import aiohttp

from tests.website.support.html_forms import forms_of
from tests.website.support.market import Market, Person
from website.security.account_signatures import OWNER_FIELD


@dataclass
class Sheet:
    """An answer: its status, where it was in the end, and its text."""

    status: int
    path: str
    html: str
    headers: dict[str, str]


def form_of(sheet: Sheet, action: str) -> dict[str, str]:
    """What the form that goes to `action` holds as it is shown."""
    (form,) = [form for form in forms_of(sheet.html) if form.action == action]
    return form.values


class Reader:
    """One person's browser. Its calls answer when the site did."""

    def __init__(self, market: Market, person: Person | None = None) -> None:
        self._market = market
        self._jar = market.ask(_jar())
        if person is not None:
            market.ask(self._ask("POST", "/sign-in", {"email": person.email, "password": person.password}))

    def read(self, path: str) -> Sheet:
        """A page."""
        return self._market.ask(self._ask("GET", path, None))

    def send(self, path: str, values: dict[str, str]) -> Sheet:
        """Sends a form as its owner, whatever page it was on; what one sees in the end."""
        return self._market.ask(self._ask("POST", path, {**values, **self._owner}))

    def fill(self, page: str, action: str, **typed: str) -> Sheet:
        """Opens a page, types into one of its forms and sends it."""
        return self.send(action, {**form_of(self.read(page), action), **typed})

    def send_unchanged(self, path: str, values: dict[str, str]) -> Sheet:
        """Sends a form as some page had it, whoever that page was shown to."""
        return self._market.ask(self._ask("POST", path, values))

    @functools.cached_property
    def _owner(self) -> dict[str, str]:
        return {OWNER_FIELD: forms_of(self.read("/help").html)[-1].values.get(OWNER_FIELD, "")}

    async def _ask(self, method: str, path: str, values: dict[str, str] | None) -> Sheet:
        site = self._market.site
        async with (
            aiohttp.ClientSession(cookie_jar=self._jar) as http,
            http.request(method, site + path, data=values, headers={"Origin": site}) as answer,
        ):
            raw = await answer.read()
            where = str(answer.url.relative())
            return Sheet(answer.status, where, raw.decode("utf-8", "replace"), dict(answer.headers))


async def _jar() -> aiohttp.CookieJar:
    return aiohttp.CookieJar(unsafe=True)
