"""What the site shows, one module per place in it."""

from website.http.page_request import Page
from website.pages import (
    dashboard,
    help_pages,
    home,
    live,
    messages,
    my_services,
    notifications,
    profiles,
    services,
    settings,
    sign_in,
)
from website.pages.orders import my_orders as orders
from website.pages.orders import order
from website.pages.orders import pay as paying
from website.pages.orders import review as reviewing
from website.pages.orders import submit as ordering

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *sign_in.PAGES,
    *services.PAGES,
    *ordering.PAGES,
    *orders.PAGES,
    *order.PAGES,
    *paying.PAGES,
    *reviewing.PAGES,
    *messages.PAGES,
    *my_services.PAGES,
    *dashboard.PAGES,
    *profiles.PAGES,
    *notifications.PAGES,
    *settings.PAGES,
    *help_pages.PAGES,
    *live.PAGES,
)
