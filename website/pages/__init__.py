"""What the site shows, one module per place in it."""

from website.http.page_request import Page
from website.pages import (
    dashboard,
    entrance,
    help_pages,
    home,
    live,
    messages,
    notifications,
    offering,
    profiles,
    services,
    settings,
)
from website.pages.orders import my_orders as orders
from website.pages.orders import order
from website.pages.orders import pay as paying
from website.pages.orders import review as reviewing
from website.pages.orders import submit as ordering

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
