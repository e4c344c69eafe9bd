"""People as others see them."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
