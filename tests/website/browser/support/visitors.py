"""People at their browsers. What a browser complains of fails the test."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Response

from tests.website.browser.support.chromium import LONGEST_WAIT_MILLISECONDS
from tests.website.support.market import Person

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
LOST = "Failed to load resource"


class Visitor:
    """One person's browser context with a first tab, `page`."""

    def __init__(self, browser: Browser, site: str, person: Person | None = None, **options: Any) -> None:
        self.site = site
        self.person = person
        self.errors: list[str] = []
        self.ignores_lost_connections = False
        self._opened: set[str] = set()
        options = {"viewport": {"width": 1280, "height": 900}, "base_url": site, **options}
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.context.on("page", self._watch)
        if person is not None:
            self.sign_in(person)
        self.page = self.context.new_page()

    def sign_in(self, person: Person) -> None:
        """Signs in without a page: only the cookie counts."""
        answer = self.context.request.post(
            "/sign-in",
            form={"email": person.email, "password": person.password},
            headers={"Origin": self.site},
            max_redirects=0,
        )
        assert answer.status == 303, answer.text()

    def open(self, path: str, status: int = 200, page: Page | None = None) -> Page:
        """Opens a page of the site in the first tab, or in another."""
        page = page or self.page
        answer = page.goto(path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)
        return page

    def check(self) -> None:
        """Raises: AssertionError when the browser reported an error since the last check."""
        errors, self.errors = self.errors, []
        assert not errors, "\n".join(errors)

    def close(self) -> None:
        """Closes the browser context; `check` still works."""
        self.context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._record_console)
        page.on("pageerror", lambda error: self._record_error("error", page.url, str(error)))
        page.on("request", self._see_request)
        page.on("response", self._see_response)
        page.on("dialog", self._refuse)

    def _refuse(self, dialog: Dialog) -> None:
        self._record_error("dialog", "", dialog.message)
        dialog.dismiss()

    def _record_error(self, kind: str, where: str, what: str) -> None:
        self.errors.append(f"{kind} at {where}: {what}")

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        where = message.location.get("url", "")
        if message.text.startswith(LOST) and (self.ignores_lost_connections or where in self._opened):
            return  # a page that says 404 or 422 is a page
        self._record_error(f"console {message.type}", where, message.text)

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.site + "/", "about:")):
            self._record_error("request", request.frame.url, f"to another host: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._opened.add(response.url)


def path_of(page: Page) -> str:
    """Where a tab is, without the site's address."""
    return urlsplit(page.url).path
