"""Ordering a service."""

from web.visits import Page

PAGES: tuple[Page, ...] = ()
