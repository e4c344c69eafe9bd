"""One order: what is going on, and what its reader may do."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
