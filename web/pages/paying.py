"""Paying an order."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
