"""My Orders."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
