"""What the site shows, one module per place in it."""

from web.pages import (
    dashboard,
    entrance,
    help_pages,
    home,
    live,
    messages,
    notifications,
    offering,
    order,
    ordering,
    orders,
    paying,
    profiles,
    reviewing,
    services,
    settings,
)
from web.visits import Page

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *entrance.PAGES,
    *services.PAGES,
    *ordering.PAGES,
    *orders.PAGES,
    *order.PAGES,
    *paying.PAGES,
    *reviewing.PAGES,
    *messages.PAGES,
    *offering.PAGES,
    *dashboard.PAGES,
    *profiles.PAGES,
    *notifications.PAGES,
    *settings.PAGES,
    *help_pages.PAGES,
    *live.PAGES,
)
