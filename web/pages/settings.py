"""One's own account."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
