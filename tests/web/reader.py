"""Somebody at the site without scripts: reads pages and sends their forms, over plain HTTP."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import aiohttp

from tests.web.browser.market import Market, Person


@dataclass
class Sheet:
    """An answer: its status, where it was in the end, and its text."""

    status: int
    path: str
    html: str
    headers: dict[str, str]


@dataclass
class SentForm:
    """A form of a page: where it goes, and what it holds before anybody types."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[SentForm] = []
        self._text: str | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.found.append(SentForm(given.get("action") or ""))
        elif tag == "input" and name and self.found:
            self.found[-1].values[name] = value
        elif tag == "textarea" and self.found:
            self._text = name
            self.found[-1].values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given and self.found:
            self.found[-1].values[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None and self.found:
            before = self.found[-1].values[self._text]
            self.found[-1].values[self._text] = (before + data).removeprefix("\n")


def form_of(sheet: Sheet, action: str) -> dict[str, str]:
    """What the form that goes to `action` holds as it is shown."""
    parser = _Forms()
    parser.feed(sheet.html)
    (form,) = [form for form in parser.found if form.action == action]
    return form.values


class Reader:
    """One person's browser. Its calls answer when the site did."""

    def __init__(self, market: Market, person: Person | None = None) -> None:
        self._market = market
        self._jar = market.ask(_jar())
        if person is not None:
            self.send("/sign-in", {"email": person.email, "password": person.password})

    def read(self, path: str) -> Sheet:
        """A page."""
        return self._market.ask(self._ask("GET", path, None))

    def send(self, path: str, values: dict[str, str]) -> Sheet:
        """Sends a form; what one sees in the end."""
        return self._market.ask(self._ask("POST", path, values))

    def fill(self, page: str, action: str, **typed: str) -> Sheet:
        """Opens a page, types into one of its forms and sends it."""
        return self.send(action, {**form_of(self.read(page), action), **typed})

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
