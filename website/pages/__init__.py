"""The pages of the site, one module for each part of it."""

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
from website.pages.orders import my_orders, order, pay, review, submit

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *sign_in.PAGES,
    *services.PAGES,
    *submit.PAGES,
    *my_orders.PAGES,
    *order.PAGES,
    *pay.PAGES,
    *review.PAGES,
    *messages.PAGES,
    *my_services.PAGES,
    *dashboard.PAGES,
    *profiles.PAGES,
    *notifications.PAGES,
    *settings.PAGES,
    *help_pages.PAGES,
    *live.PAGES,
)
