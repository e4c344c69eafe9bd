"""My Services: posting, editing, pausing, archiving."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
