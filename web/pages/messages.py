"""The inbox."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
