"""The provider's dashboard: what waits, what goes on, what was earned."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
