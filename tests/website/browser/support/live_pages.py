"""Pages that show what is new by themselves."""

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page, expect

UNREAD_WITHIN_MILLISECONDS = 30_000


@contextlib.contextmanager
def without_reload(*pages: Page) -> Iterator[None]:
    """Inside, the pages must stay the documents they are."""
    for page in pages:
        page.evaluate("window.isMarked = true")
    yield
    for page in pages:
        assert page.evaluate("window.isMarked === true"), f"{page.url} was loaded again"


def expect_unread(page: Page, count: int) -> None:
    """The bell shows so many unread notifications."""
    expect(page.locator("#bell .count")).to_have_text(f"{count} unread", timeout=UNREAD_WITHIN_MILLISECONDS)
