"""The request for a page: its visitor, the API client that acts for them, and how to respond."""

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
from kit.localization.translations import current_language, gettext, preferred_tag
from website.forms.form import NEXT, Form, parse_form
from website.http.forwarded_headers import forwarded_headers
from website.security.account_signatures import ANONYMOUS
from website.security.sessions import Person, person_of
from website.site import API_ERRORS, Site

FLASH_COOKIE = "flash"
FLASH_SECONDS = 60
MAX_COUNTED = 100  # the bell shows "99+" from here
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}")
LIVE_HEADER = "X-Live"  # the page's script fetches changed regions
ACCOUNT_HEADER = "X-Account"  # sent by the script: the signature of the page's account

Handler = Callable[["PageRequest"], Awaitable[web.StreamResponse]]
Redisplay = Callable[["PageRequest", Form], Awaitable[web.StreamResponse]]


class Access(Enum):
    """Who may request a page."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    SIGNING_IN = "signing in"  # anyone: the form itself names the account


@dataclass(frozen=True)
class Page:
    """A route of the site. `redisplay` shows its form as it was sent, unless it has none or a password."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.ANYONE
    is_stream: bool = False
    redisplay: Redisplay | None = None


FORM_PAGES: web.AppKey[Mapping[str, Page]] = web.AppKey("form_pages", Mapping)  # POST pages by path


class SignInRequired(Exception):
    """The page is for signed-in visitors only."""


class PageRequest:
    """A request. `raw` is aiohttp's; `person` is None for a visitor who is not signed in."""

    def __init__(self, site: Site, request: web.Request, request_id: str) -> None:
        self.site = site
        self.raw = request
        self.id = request_id
        self.page: Page | None = None
        self.path_parameters: Mapping[str, str] = request.match_info
        self.query: Mapping[str, str] = {}
        self.is_shown_again = False
        self._clone_for_redisplay = request.clone()  # a request cannot be cloned after its body was read
        self._form: Form | None = None
        self.person = site.sessions.read(request)
        self.api = MarketplaceClient(
            site.settings.api_url,
            site.settings.web_patience_seconds,
            site.http,
            forwarded_headers(request, request_id),
        )
        self._session: Session | None = None
        if self.person is not None:
            self._session = self.person.as_session()
            self.api.connection.use(self._session)
        self.session_problem: Problem | None = None  # the API's 401 to a session that was ended elsewhere
        self._unread: asyncio.Task[int | None] | None = None

    @property
    def signed_in_person(self) -> Person:
        """The signed-in visitor. Raises: SignInRequired."""
        if self.person is None:
            raise SignInRequired
        return self.person

    @property
    def locale(self) -> str:
        """The language tag that pages are written for: the account's, else the one the browser prefers."""
        if self.person is not None:
            return self.person.locale
        return preferred_tag(self.raw.headers.get("Accept-Language", ""))

    @property
    def is_live(self) -> bool:
        """Whether the page's script requests it, to update an open page."""
        return LIVE_HEADER in self.raw.headers

    @property
    def is_viewed(self) -> bool:
        """Whether the response is shown, and not just prefetched."""
        return self.raw.method != "HEAD" and "Sec-Purpose" not in self.raw.headers

    @property
    def path(self) -> str:
        """The path with its query."""
        return self.raw.path_qs

    def path_id(self, name: str) -> str:
        """Returns a variable part of the path that has the form of an id.

        Raises: HTTPNotFound when it has not.
        """
        value = self.path_parameters[name]
        if _ID.fullmatch(value) is None:
            raise web.HTTPNotFound
        return value

    def read_query(self) -> None:
        """Decodes the query string into `query`, which is empty until then.

        Raises: Undecodable for what is not UTF-8, repeats a parameter, or has too many.
        """
        self.query = decode_form(self.raw.rel_url.raw_query_string)

    async def form(self) -> Form:
        """Returns the submitted form. Raises: RefusedBody when it is too long, too slow or unreadable."""
        if self._form is None:
            self._form = await self._read_form()
        return self._form

    async def _read_form(self) -> Form:
        if "Content-Encoding" in self.raw.headers:
            raise RefusedBody(400, gettext("A form is sent uncompressed."))
        raw = await read_body(self.raw, MAX_BODY_BYTES, FORM_TYPE)
        try:
            return parse_form(decode_form(decode_text(raw)))
        except Undecodable as error:
            raise RefusedBody(400, gettext("The form cannot be read. {error}").format(error=error)) from error

    @property
    def account_id(self) -> str:
        """The id of the visitor's account, or ANONYMOUS."""
        return self.person.id if self.person is not None else ANONYMOUS

    def is_for_another_account(self, signature: str | None) -> bool:
        """Whether an open page belongs to another account than the one that is signed in now."""
        if signature is None or self.person is None:
            return False
        return not self.site.account_signer.verify(self.account_id, signature)

    def switch_to(self, path: str, parts: Mapping[str, str]) -> None:
        """Turns this into a request for another path, to show its form again."""
        self.raw = self._clone_for_redisplay.clone(rel_url=path)
        self.path_parameters, self.is_shown_again = parts, True
        self.read_query()

    def count_unread(self) -> None:
        """Starts to fetch the number of unread notifications, concurrently with the page's own calls."""
        if self.person is not None and self._unread is None:
            self._unread = asyncio.create_task(self._count())

    async def _count(self) -> int | None:
        try:
            return await self.api.unread_count()
        except API_ERRORS as error:
            if isinstance(error, Problem) and error.status == 401:
                self.session_problem = error
            return None  # the page is shown without the number

    def mark_order_notifications_read(self, order_id: str) -> None:
        """Marks the notifications about an order as read, and counts the others."""
        if not self.is_viewed:
            return
        if self._unread is not None:
            self._unread.cancel()  # it has not started
        self._unread = asyncio.create_task(self._count_others(order_id))

    async def _count_others(self, order_id: str) -> int | None:
        try:
            found = await self.api.notifications(unread=True, limit=MAX_COUNTED)
        except API_ERRORS:
            return None
        others = sum(one["order_id"] != order_id for one in found["data"])
        if others < len(found["data"]) or found["page"]["has_more"]:
            self.site.run_in_background(self.api.mark_all_read(order_id))
        return others

    async def render(
        self, template: str, status: int = 200, reload_path: str = "", **context: Any
    ) -> web.Response:
        """Returns a page. `context` is what its template needs besides the base template's values.

        A browser cannot reload a page that shows a refused form (422). `reload_path` is the path of the same
        page without the submitted values; by default it is this path.
        """
        is_shown_again = self.is_shown_again and status in (200, 422)
        if is_shown_again or status == 422:
            reload_path = reload_path or self.path
        elif status == 200:
            reload_path = ""
        self.count_unread()
        unread = await self._unread if self._unread is not None else None
        context |= {"unread": unread, "reload_path": reload_path, **self._base_context()}
        if is_shown_again:
            status, context["flash"] = 200, "shown_again"
        text = self.site.templates.get_template(template).render(context)
        response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
        response.headers["Content-Language"] = current_language()
        if self._flash_cookie in self.raw.cookies and not self.is_live:
            self.site.sessions.set_cookie(response, self._flash_cookie, "", 0)
        return response

    @property
    def _flash_cookie(self) -> str:
        return self.site.sessions.cookie_name(self.raw, FLASH_COOKIE)

    def _base_context(self) -> dict[str, Any]:
        person = self.person
        return {
            "person": person,
            "account_key": self.site.account_signer.sign(person.id) if person else "",
            "owner_field": self.site.account_signer.sign_field(self.account_id),
            "here": self.raw.path,
            "path": self.path,
            "request_id": self.id,
            "locale": self.locale,
            "language": current_language(),
            "time_zone": person.time_zone if person else "UTC",
            "flash": self.raw.cookies.get(self._flash_cookie, ""),
            "query": self.query,
        }

    def redirect(self, path: str, flash: str = "") -> web.Response:
        """Redirects to another page, which shows a message once (a key of `labels.FLASH_MESSAGES`)."""
        response = web.Response(status=303, headers={"Location": path})
        if flash and not self.is_live:  # a script shows no messages
            self.site.sessions.set_cookie(response, self._flash_cookie, flash, FLASH_SECONDS)
        return response

    def next_path(self, default: str) -> str:
        """Returns the path that was requested before signing in, if it is a path of this site."""
        path = self.query.get("next", "")
        return path if is_own_path(path) else default

    def update_account(self, account: Account) -> None:
        """Updates the account in the session, so that the next page shows the change."""
        if self.api.session is not None:
            self.api.connection.use(cast(Session, {**self.api.session, "account": account}))

    def store_session(self, response: web.StreamResponse) -> None:
        """Stores a session that the API opened, renewed or ended in the cookie."""
        session = self.api.session
        if session is self._session:
            return
        if session is None:
            self.site.sessions.clear(self.raw, response)
        else:
            self.site.sessions.store(self.raw, response, person_of(session))
        if session is not None and "device_token" in session:
            self.site.sessions.store_device_token(self.raw, response, session["device_token"])

    @property
    def device_tokens(self) -> str:
        """The device tokens of this browser, separated by spaces, as the API expects them."""
        return " ".join(self.site.sessions.device_tokens(self.raw))

    def discard_session_changes(self) -> None:
        """Leaves the cookie unchanged: another request may have renewed the session that the API ended."""
        self.api.connection.use(self._session)

    async def close(self) -> None:
        """Cancels what is still running."""
        if self._unread is not None and not self._unread.done():
            self._unread.cancel()
            await asyncio.gather(self._unread, return_exceptions=True)


def is_own_path(path: str) -> bool:
    """Whether a path from an untrusted source leads to this site and to no other host."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or not parsing.is_clean_address(path):
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc


def sign_in_path(back: str) -> str:
    """Returns the path of the sign-in page, which leads to `back` afterwards."""
    return str(URL("/sign-in").with_query({NEXT.strip("_"): back}))
