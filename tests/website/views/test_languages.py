"""The site speaks the visitor's language: the account's, else the browser's; and every text is translated."""

import contextlib
import re
from collections.abc import Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kit.localization import translations
from tests.website.support.fake_api import ACCOUNT, Visitor, problem, run, session
from tests.website.support.market import Market
from tests.website.support.real_site import site_before
from tests.website.support.scenes import make_scene
from tests.website.support.screens import CUSTOMER, ORDER_SCREENS, SCREENS, Screen, ScreenData
from tests.website.support.site_client import SiteClient


def test_a_page_is_in_the_language_that_the_browser_prefers() -> None:
    async def scenario(visitor: Visitor) -> None:
        for header, language, text in (
            ("de-AT,de;q=0.9", "de", "Was brauchen Sie?"),
            ("fr", "en", "What do you need?"),
            ("en, de", "en", "What do you need?"),
        ):
            answer = await visitor.get("/", **{"Accept-Language": header})
            page = await answer.text()
            assert f'<html lang="{language}">' in page and text in page
            assert answer.headers["Content-Language"] == language
            assert answer.headers["Vary"] == "Cookie, Accept-Language"

    run(scenario)


def test_the_language_of_the_account_is_preferred_to_the_browser_s() -> None:
    async def scenario(visitor: Visitor) -> None:
        german = session() | {"account": ACCOUNT | {"locale": "de-CH"}}
        visitor.api.answers["POST /v1/sessions"] = german
        await visitor.sign_in()
        page = await (await visitor.get("/", **{"Accept-Language": "en"})).text()
        assert '<html lang="de">' in page and "Was brauchen Sie?" in page
        french = session() | {"account": ACCOUNT | {"locale": "fr"}}
        visitor.api.answers["POST /v1/sessions"] = french
        await visitor.post("/sign-out")
        await visitor.sign_in()
        page = await (await visitor.get("/", **{"Accept-Language": "de"})).text()
        assert '<html lang="en">' in page and "What do you need?" in page

    run(scenario)


def test_what_a_form_complains_of_is_in_the_language_of_the_page() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/sessions"] = problem(401, "invalid_credentials")
        visitor.http.session.headers["Accept-Language"] = "de"
        page = await (await visitor.sign_in()).text()
        assert "E-Mail-Adresse und Passwort passen nicht zusammen." in page

    run(scenario)


def test_a_new_account_takes_over_the_language_of_the_browser() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["POST /v1/accounts"] = ACCOUNT
        visitor.api.answers["PATCH /v1/me"] = ACCOUNT | {"locale": "de"}
        visitor.http.session.headers["Accept-Language"] = "de"
        fields = {"email": "ada@example.com", "password": "a long pass phrase", "display_name": "Ada"}
        await visitor.post("/sign-up", **fields, time_zone="Europe/Berlin")
        assert visitor.api.bodies[-1] == {"time_zone": "Europe/Berlin", "locale": "de"}

    run(scenario)


NOT_FOUND = "There is no such order."  # the API's own words


# --- every page, with a catalogue that marks what it translates


class Marking(NullTranslations):
    """Translates every message into itself between brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        return f"⟦{message}⟧"

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


SHOWN_ATTRIBUTES = ("aria-label", "placeholder", "title", "alt")
WRITTEN_BY_PEOPLE = frozenset({"typed", "quote", "excerpt", "face", "answer", "price", "when", "review"})
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "circle", "rect", "line"})
NO_TEXTS = frozenset({"bdi", "time", "code", "script", "style", "textarea"})


class Texts(HTMLParser):
    """The texts of a page that are the site's own, and not what people wrote, numbers, amounts or times."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.flow = ""
        self.attributes: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        is_own = self._is_own and not self._is_content(tag, given)
        if is_own:
            self.attributes += [given[name] for name in SHOWN_ATTRIBUTES if given.get(name)]
        if tag not in VOID:
            self._open.append((tag, is_own))

    def handle_endtag(self, tag: str) -> None:
        while tag not in VOID and self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._is_own and data.strip():
            self.flow += f"{data.strip()}\n"

    @property
    def _is_own(self) -> bool:
        return not self._open or self._open[-1][1]

    @staticmethod
    def _is_content(tag: str, given: dict[str, str]) -> bool:
        classes = set(given.get("class", "").split())
        of_lists = given.get("id") in ("time_zone", "locale", "currency")
        return tag in NO_TEXTS or of_lists or bool(classes & WRITTEN_BY_PEOPLE)


NO_WORDS = re.compile(  # ids, codes, addresses, dates
    r"MicroTasks|PDF|Python|\b[0-9a-f]{10}\b|MT-[\w-]+|[A-Z]{3}|[\w.+-]+@[\w.-]+|[AP]M|UTC"
    r"|in \d+ \w+|\d+ \w+ ago"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
)


def without_messages(text: str) -> str:
    """What stands outside of all brackets; a message may hold others, and tags."""
    depth, rest = 0, []
    for character in text:
        depth += character == "⟦"
        if not depth:
            rest.append(character)
        depth -= character == "⟧"
    return "".join(rest)


def untranslated(page: str, of_people: tuple[str, ...]) -> list[str]:
    """What of a page's own texts is no message of the catalogue."""
    texts = Texts(page)
    left = [
        line
        for text in (texts.flow, *texts.attributes)
        for line in without_messages(text).split("\n")
        if line
    ]
    for written in sorted(of_people, key=len, reverse=True):
        left = [line.replace(written, "") for line in left]
    return [line for line in left if re.search(r"[A-Za-z]{2}", NO_WORDS.sub("", line))]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with Market(tmp_path_factory.mktemp("market")) as market:
        yield market


@pytest.fixture(scope="module")
def screen_data(market: Market) -> ScreenData:
    return ScreenData(make_scene(market))


@contextlib.contextmanager
def own_site(market: Market) -> Iterator[Market]:
    """The market, with a site in this process."""
    site = site_before(market.process.url)
    address = market.ask(site.__aenter__())
    try:
        yield cast(Market, SimpleNamespace(site=address, ask=market.ask))
    finally:
        market.ask(cast(Any, site.__aexit__(None, None, None)))


def test_no_page_shows_a_text_that_is_not_translated(
    market: Market, screen_data: ScreenData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "translations", lambda _: Marking())
    groups = market.ask(screen_data.people[CUSTOMER].api.help())  # type: ignore[union-attr]
    helped = [text["title"] for group in groups for text in (group, *group["articles"])]
    of_people = (
        *(person.name for person in screen_data.people.values() if person),
        "Proofreading",
        *helped,
        NOT_FOUND,
    )
    left: dict[str, list[str]] = {}
    seen = 0
    with own_site(market) as site:
        clients = {who: SiteClient(site, person) for who, person in screen_data.people.items()}
        for screen in (*SCREENS, *ORDER_SCREENS):
            if not _is_of_the_site(screen):
                continue
            answer = clients[screen.who].open(screen_data.path(screen))
            assert answer.status == screen.status
            seen += answer.html.count("⟦")
            if found := untranslated(answer.html, of_people):
                left[str(screen)] = found
    assert not left, left
    assert seen > 1000, "the pages are marked at all"


def _is_of_the_site(screen: Screen) -> bool:
    """Whether the site writes the page itself; receipts and statements come from the API's process."""
    return not screen.path.startswith(("/payments/", "/dashboard/statements/"))


def test_a_problem_of_the_api_is_explained_in_the_language_of_the_page() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["GET /v1/help"] = problem(404, "not_found", NOT_FOUND)
        for language, text in (("de", "Vielleicht ist sie umgezogen"), ("en", NOT_FOUND)):
            page = await (await visitor.get("/help", **{"Accept-Language": language})).text()
            assert text in page and ("Diese Seite gibt es nicht" in page) == (language == "de")

    run(scenario)


def test_the_search_for_untranslated_texts_finds_them() -> None:
    page = '<p>⟦Signed in as⟧ <bdi>Ada</bdi></p><p>Left over</p><input placeholder="Here"><b>⟦By ⟦x⟧ y⟧</b>'
    assert untranslated(page, ()) == ["Left over", "Here"]
