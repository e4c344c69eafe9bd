"""A client of the site without a browser: opens pages, fills in their forms and sends them, over HTTP."""

import functools
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import aiohttp

from tests.website.support.html_forms import SentForm, forms_of
from tests.website.support.market import Market, Person
from website.security.account_signatures import OWNER_FIELD

PATIENCE_SECONDS = 60.0  # for the effects of events; the machine that runs the tests may be busy
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "circle", "rect"})


@dataclass
class PageResponse:
    """A response of the site; `path` is its address after all redirects."""

    status: int
    path: str
    html: str
    headers: dict[str, str]

    def text(self, region: str = "main") -> str:
        """Returns the text of the element with that id, with single spaces."""
        parser = _RegionTexts()
        parser.feed(self.html)
        return re.sub(r"\s+", " ", " ".join(parser.texts.get(region, []))).strip()

    @functools.cached_property
    def forms(self) -> list[SentForm]:
        """The forms of the page."""
        return forms_of(self.html)

    def form(self, ending: str, **holds: str) -> SentForm:
        """Returns the form whose action ends so and that has these values."""
        fit = [f for f in self.forms if f.action.endswith(ending) and holds.items() <= f.values.items()]
        assert len(fit) == 1, f"{ending} {holds}: {fit} of {self.forms}"
        return fit[0]

    def values_of(self, action: str) -> dict[str, str]:
        """Returns the values of the form with that action."""
        (form,) = [form for form in self.forms if form.action == action]
        return form.values

    def has_form(self, ending: str) -> bool:
        """Whether the page has a form whose action ends so."""
        return any(form.action.endswith(ending) for form in self.forms)

    @property
    def transitions(self) -> list[str]:
        """The transitions that the page offers."""
        return sorted(
            form.values["transition"] for form in self.forms if form.action.endswith("/transitions")
        )


class _RegionTexts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self._open: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(dict(attrs).get("id"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in self._open:
            if name:
                self.texts.setdefault(name, []).append(data)


class SiteClient:
    """Requests pages of the site, signed in as a person or anonymously."""

    def __init__(self, market: Market, person: Person | None = None) -> None:
        self._market = market
        self._jar = market.ask(_new_jar())
        if person is not None:
            typed = {"email": person.email, "password": person.password}
            assert self.post_unchanged("/sign-in", typed).status == 200

    def open(self, path: str, **headers: str) -> PageResponse:
        """Requests a page and follows redirects."""
        return self._market.ask(self._request("GET", path, headers))

    def head(self, path: str) -> int:
        """Requests only the status of a page."""
        return self._market.ask(self._request("HEAD", path, {})).status

    def post(self, path: str, values: dict[str, str]) -> PageResponse:
        """Sends a form as its owner, whatever page it was on, and follows redirects."""
        return self.post_unchanged(path, {**values, **self._owner})

    def post_unchanged(self, path: str, values: dict[str, str]) -> PageResponse:
        """Sends a form with exactly these values, whoever its owner is."""
        return self._market.ask(self._request("POST", path, {"Origin": self._market.site}, values))

    def send(self, form: SentForm, **typed: str) -> PageResponse:
        """Fills in a form and sends it as its owner."""
        return self.post(form.action, {**form.values, **typed})

    def fill(self, page: str, action: str, **typed: str) -> PageResponse:
        """Opens a page, fills in one of its forms and sends it as its owner."""
        return self.post(action, {**self.open(page).values_of(action), **typed})

    @functools.cached_property
    def _owner(self) -> dict[str, str]:
        return {OWNER_FIELD: self.open("/help").forms[-1].values.get(OWNER_FIELD, "")}

    async def _request(
        self, method: str, path: str, headers: dict[str, str], values: dict[str, str] | None = None
    ) -> PageResponse:
        url = self._market.site + path
        async with (
            aiohttp.ClientSession(cookie_jar=self._jar) as http,
            http.request(method, url, data=values, headers=headers) as answer,
        ):
            body = (await answer.read()).decode("utf-8", "replace")
            return PageResponse(answer.status, str(answer.url.relative()), body, dict(answer.headers))


async def _new_jar() -> aiohttp.CookieJar:
    return aiohttp.CookieJar(unsafe=True)  # the address of the site is an IP address
