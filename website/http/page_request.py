"""One request of one visitor: who they are, the API in their name, and how to answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from urllib.parse import urlsplit

from aiohttp import web
from yarl import URL

from client import MarketplaceClient, Problem
from client.resources import Account, Session
from kit.http import parsing
from kit.http.body import RefusedBody, read_body
from kit.http.parsing import FORM_TYPE, MAX_BODY_BYTES, Undecodable, decode_form, decode_text
from website.forms.form import NEXT, Form, form_of
from website.http.forwarded_headers import headers_of_visitor
from website.security.account_signatures import NOBODY
from website.security.sessions import Person, person_of
from website.site import LOST, Site

FLASH_COOKIE = "flash"
FLASH_SECONDS = 60
MOST_COUNTED = 100  # beyond it the bell says "99+"
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}")
LIVE_HEADER = "X-Live"  # the page's own script asks for fresh regions
ACCOUNT_HEADER = "X-Account"  # and says whose page it is

Handler = Callable[["Visit"], Awaitable[web.StreamResponse]]
Again = Callable[["Visit", Form], Awaitable[web.StreamResponse]]


class Who(Enum):
    """Who may see a page."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    SIGNING_IN = "signing in"  # anyone: the form itself says who they are


@dataclass(frozen=True)
class Page:
    """A place of the site. `again` shows a form of it with what was typed, and does nothing else; places
    without one have no form, or none worth showing again."""

    method: str
    path: str
    handler: Handler
    who: Who = Who.ANYONE
    is_stream: bool = False
    again: Again | None = None


FORMS: web.AppKey[Mapping[str, Page]] = web.AppKey("forms", Mapping)  # places that forms are sent to


class SignedOut(Exception):
    """The visitor has to sign in first."""


class Visit:
    """One request. `person` is None for somebody who is not signed in."""

    def __init__(self, site: Site, request: web.Request, visit_id: str) -> None:
        self.site = site
        self.request = request
        self.id = visit_id
        self.page: Page | None = None
        self.parts: Mapping[str, str] = request.match_info
        self.is_shown_again = False
        self._unread_request = request.clone()  # once its body was read, a request cannot be cloned
        self._form: Form | None = None
        self.person = site.sessions.read(request)
        self.api = MarketplaceClient(
            site.settings.api_url,
            site.settings.web_patience_seconds,
            site.http,
            headers_of_visitor(request, visit_id),
        )
        self._session: Session | None = None
        if self.person is not None:
            self._session = self.person.as_session()
            self.api.connection.use(self._session)
        self.refusal: Problem | None = None  # the API's, to whoever was signed out elsewhere
        self._unread: asyncio.Task[int | None] | None = None

    @property
    def signed_in(self) -> Person:
        """The visitor. Raises: SignedOut."""
        if self.person is None:
            raise SignedOut
        return self.person

    @property
    def is_live(self) -> bool:
        """Whether the page's script asks, to show what is new."""
        return LIVE_HEADER in self.request.headers

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody sees the answer, and not just a program that fetches it ahead."""
        return self.request.method != "HEAD" and "Sec-Purpose" not in self.request.headers

    @property
    def path(self) -> str:
        """Where the visitor is, query included."""
        return self.request.path_qs

    def part(self, name: str) -> str:
        """A variable part of the path, which can be an id of something.

        Raises: HTTPNotFound for what is no id of anything.
        """
        value = self.parts[name]
        if _ID.fullmatch(value) is None:
            raise web.HTTPNotFound
        return value

    async def form(self) -> Form:
        """What was sent. Raises: RefusedBody when it is no form, too long, too slow or cannot be read."""
        if self._form is None:
            self._form = await self._read_form()
        return self._form

    async def _read_form(self) -> Form:
        if "Content-Encoding" in self.request.headers:
            raise RefusedBody(400, "A form is sent uncompressed.")
        raw = await read_body(self.request, MAX_BODY_BYTES, FORM_TYPE)
        try:
            return form_of(decode_form(decode_text(raw)))
        except Undecodable as error:
            raise RefusedBody(400, f"The form cannot be read. {error}") from error

    @property
    def account_id(self) -> str:
        """The visitor's account, or NOBODY."""
        return self.person.id if self.person is not None else NOBODY

    def is_of_another(self, account_key: str | None) -> bool:
        """Whether a page says that it belongs to another account than the one that is signed in now."""
        known = account_key is not None and self.person is not None
        return known and not self.site.owners.has_key(self.account_id, account_key or "")

    def continue_at(self, path: str, parts: Mapping[str, str]) -> None:
        """From here on this is a visit of another place, to show its form again."""
        self.request = self._unread_request.clone(rel_url=path)
        self.parts, self.is_shown_again = parts, True

    def count_unread(self) -> None:
        """Asks for the number of unread notifications, beside whatever the page asks."""
        if self.person is not None and self._unread is None:
            self._unread = asyncio.create_task(self._count())

    async def _count(self) -> int | None:
        try:
            return await self.api.unread_count()
        except LOST as error:
            if isinstance(error, Problem) and error.status == 401:
                self.refusal = error
            return None  # a page without its bell is better than none

    def read_about(self, order_id: str) -> None:
        """Takes what the visitor was told of an order for read, and counts the rest."""
        if not self.is_looked_at:
            return
        if self._unread is not None:
            self._unread.cancel()  # it has not begun
        self._unread = asyncio.create_task(self._count_others(order_id))

    async def _count_others(self, order_id: str) -> int | None:
        try:
            told = await self.api.notifications(unread=True, limit=MOST_COUNTED)
        except LOST:
            return None
        others = sum(one["order_id"] != order_id for one in told["data"])
        if others < len(told["data"]) or told["page"]["has_more"]:
            self.site.do_later(self.api.mark_all_read(order_id))
        return others

    async def show(self, template: str, status: int = 200, again: str = "", **context: Any) -> web.Response:
        """A page. `context` is what its template needs besides the frame.

        A refused form (422) is shown by a page that no browser can fetch again. `again` is where the same
        page is without what was sent, unless that is this very path.
        """
        is_shown_again = self.is_shown_again and status in (200, 422)
        if is_shown_again or status == 422:
            again = again or self.path
        elif status == 200:
            again = ""
        self.count_unread()
        unread = await self._unread if self._unread is not None else None
        context |= {"unread": unread, "again": again, **self._frame()}
        if is_shown_again:
            status, context["flash"] = 200, "shown_again"
        text = self.site.templates.get_template(template).render(context)
        response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
        if self._flash_cookie in self.request.cookies and not self.is_live:
            self.site.sessions.set(response, self._flash_cookie, "", 0)
        return response

    @property
    def _flash_cookie(self) -> str:
        return self.site.sessions.name(self.request, FLASH_COOKIE)

    def _frame(self) -> dict[str, Any]:
        person = self.person
        return {
            "person": person,
            "account_key": self.site.owners.key(person.id) if person else "",
            "owner_field": self.site.owners.field(self.account_id),
            "here": self.request.path,
            "path": self.path,
            "request_id": self.id,
            "locale": person.locale if person else "en",
            "time_zone": person.time_zone if person else "UTC",
            "flash": self.request.cookies.get(self._flash_cookie, ""),
            "query": self.request.query,
        }

    def go(self, path: str, flash: str = "") -> web.Response:
        """Sends the visitor to another page, which shows a message once (`labels.FLASH_MESSAGES`)."""
        response = web.Response(status=303, headers={"Location": path})
        if flash and not self.is_live:  # a script that asks cannot tell anybody
            self.site.sessions.set(response, self._flash_cookie, flash, FLASH_SECONDS)
        return response

    def next_path(self, otherwise: str) -> str:
        """Where somebody wanted to go before they had to sign in: a path of this site, nothing else."""
        asked = self.request.query.get("next", "")
        return asked if is_own_path(asked) else otherwise

    def remember(self, account: Account) -> None:
        """Takes a changed account into the session, so that the next page shows it."""
        if self.api.session is not None:
            self.api.connection.use(cast(Session, {**self.api.session, "account": account}))

    def keep_session(self, response: web.StreamResponse) -> None:
        """Puts a session that the API opened, renewed or ended meanwhile into the cookie."""
        session = self.api.session
        if session is self._session:
            return
        if session is None:
            self.site.sessions.forget(self.request, response)
        else:
            self.site.sessions.keep(self.request, response, person_of(session))
        if session is not None and "device_token" in session:
            self.site.sessions.keep_device(self.request, response, session["device_token"])

    @property
    def device_tokens(self) -> str:
        """What proves that people signed in with this browser before."""
        return " ".join(self.site.sessions.device_tokens(self.request))

    def leave_session(self) -> None:
        """Leaves the cookie as it came, even if the API called the session over: it may be another by now."""
        self.api.connection.use(self._session)

    async def close(self) -> None:
        """Leaves nothing running."""
        if self._unread is not None and not self._unread.done():
            self._unread.cancel()
            await asyncio.gather(self._unread, return_exceptions=True)


def is_own_path(path: str) -> bool:
    """Whether a path, from anywhere, leads to a page of this site and to no other host."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or not parsing.is_clean_address(path):
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc


def sign_in_path(back: str) -> str:
    """The sign-in page, which leads back here."""
    return str(URL("/sign-in").with_query({NEXT.strip("_"): back}))
