"""Somebody who visits the site without a browser: opens pages, fills in their forms, sends them."""

import functools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

import aiohttp

from tests.website.support.market import Market, Person
from website.security.account_signatures import OWNER_FIELD

PATIENCE_SECONDS = 60.0  # for what events bring; machines that test are busy
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "circle", "rect"})


@dataclass
class SentForm:
    """A form: where it goes and what it holds."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Sheet(HTMLParser):
    """A page as it was answered."""

    def __init__(self, status: int, path: str, text: str, headers: dict[str, str]) -> None:
        super().__init__()
        self.status, self.path, self.html, self.headers = status, path, text, headers
        self.forms: list[SentForm] = []
        self._open: list[str | None] = []
        self._texts: dict[str, list[str]] = {}
        self._area: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(SentForm(given.get("action", "")))
        elif tag in ("input", "textarea") and self.forms and "name" in given:
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            self._area = given["name"] if tag == "textarea" else None
        if tag not in VOID:
            self._open.append(given.get("id"))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag == "textarea":
            self._area = None
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")
        for name in self._open:
            if name:
                self._texts.setdefault(name, []).append(data)

    def text(self, region: str = "main") -> str:
        """What an element shows, blanks made one."""
        return re.sub(r"\s+", " ", " ".join(self._texts.get(region, []))).strip()

    def form(self, ending: str, **holds: str) -> SentForm:
        """The form that goes there and holds these values."""
        fit = [f for f in self.forms if f.action.endswith(ending) and holds.items() <= f.fields.items()]
        assert len(fit) == 1, f"{ending} {holds}: {fit} of {self.forms}"
        return fit[0]

    def offers(self, ending: str) -> bool:
        """Whether there is such a form."""
        return any(form.action.endswith(ending) for form in self.forms)

    @property
    def transitions(self) -> list[str]:
        """The transitions that can be taken from here."""
        return sorted(
            form.fields["transition"] for form in self.forms if form.action.endswith("/transitions")
        )


class Surfer:
    """A visitor of the site, signed in as a person or as nobody."""

    def __init__(self, market: Market, person: Person | None = None) -> None:
        self.market, self.person = market, person
        self._http: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        if self.person is not None:
            typed = {"email": self.person.email, "password": self.person.password}
            assert self.post("/sign-in", typed).status == 200
        return self

    def __exit__(self, *_: object) -> None:
        if self._http is not None:
            self.market.ask(self._http.close())

    def open(self, path: str, **headers: str) -> Sheet:
        """A page, wherever it leads."""
        return self.market.ask(self._ask("GET", path, headers))

    def head(self, path: str) -> int:
        """The status of a page that nobody looks at."""
        return self.market.ask(self._ask("HEAD", path, {})).status

    def post(self, path: str, typed: dict[str, str]) -> Sheet:
        """What a form of this site leads to, sent as one's own, whatever page it was on."""
        sent = typed if path.startswith("/sign-") else {**typed, **self._owner}
        return self.market.ask(self._ask("POST", path, {"Origin": self.market.site}, sent))

    def send(self, form: SentForm, **typed: str) -> Sheet:
        """Fills in a form and sends it."""
        return self.post(form.action, {**form.fields, **typed})

    @functools.cached_property
    def _owner(self) -> dict[str, str]:
        return {OWNER_FIELD: self.open("/help").forms[-1].fields.get(OWNER_FIELD, "")}

    async def _ask(self, method: str, path: str, headers: dict[str, str], typed: Any = None) -> Sheet:
        if self._http is None:  # cookies of an address need to be allowed
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        url = self.market.site + path
        async with self._http.request(method, url, headers=headers, data=typed) as answer:
            body = (await answer.read()).decode(errors="replace")
            return Sheet(answer.status, answer.url.path_qs, body, dict(answer.headers))
