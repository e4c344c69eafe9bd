"""What one was told."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
