"""Reviewing a completed order."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
