"""Every screen of the site: who looks at what. The tests look closely at each, the gallery takes pictures."""

import re
from dataclasses import dataclass

from client.resources import Order, Service
from tests.web.browser.market import Person
from tests.web.browser.scenes import STATES, Scene, post_service
from web.pages import PAGES

VISITOR, CUSTOMER, PROVIDER, STAFF, NEWCOMER = "visitor", "customer", "provider", "staff", "newcomer"
NO_SCREENS = {"/live/events", "/live/bell"}


@dataclass(frozen=True)
class Screen:
    """A page as one role sees it; `{…}` in its path stands for a thing of the shown world."""

    who: str
    path: str
    status: int = 200

    def __str__(self) -> str:
        """A name for tests and files."""
        return f"{self.who}-{re.sub('[^a-z0-9]+', '-', self.path.lower()).strip('-') or 'home'}"

    @property
    def route(self) -> str:
        """The path as the site's own table of pages may have it."""
        return route_of(self.path)


ORDER_SCREENS = tuple(
    Screen(who, f"/orders/{{{state}}}") for state in STATES for who in (CUSTOMER, PROVIDER, STAFF)
)
SCREENS = (
    Screen(VISITOR, "/"),
    Screen(CUSTOMER, "/"),
    Screen(VISITOR, "/sign-in"),
    Screen(VISITOR, "/sign-up"),
    Screen(VISITOR, "/help"),
    Screen(VISITOR, "/services"),
    Screen(CUSTOMER, "/services?q=proofreading&currency=EUR&max_price=50&min_rating=3"),
    Screen(VISITOR, "/services?q=nothing+has+these+words"),
    Screen(VISITOR, "/services/{service}"),
    Screen(CUSTOMER, "/services/{service}"),
    Screen(PROVIDER, "/services/{service}"),
    Screen(CUSTOMER, "/services/{paused}"),
    Screen(PROVIDER, "/services/{draft}"),
    Screen(VISITOR, "/nowhere", 404),
    Screen(NEWCOMER, "/nowhere", 404),
)


class World:
    """What the screens show: orders in every state, services in every status, and who looks at them."""

    def __init__(self, scene: Scene) -> None:
        market = scene.market
        newcomer = market.person("Nora Newcomer")
        self.people: dict[str, Person | None] = {
            VISITOR: None,
            CUSTOMER: scene.customer,
            PROVIDER: scene.provider,
            STAFF: scene.staff,
            NEWCOMER: newcomer,
        }
        self.orders: dict[str, Order] = scene.orders()
        paused = post_service(market, scene.provider)
        market.ask(scene.provider.api.change_service(paused, status="paused"))
        draft: Service = post_service(market, scene.provider, status="draft")
        self._things = {state: order["id"] for state, order in self.orders.items()} | {
            "service": scene.service["id"],
            "paused": paused["id"],
            "draft": draft["id"],
            "customer": scene.customer.id,
            "provider": scene.provider.id,
        }

    def path(self, screen: Screen) -> str:
        """Where a screen is."""
        return screen.path.format_map(self._things)


def route_of(path: str) -> str:
    """A path without its query and without the names of its variables."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def routes_without_screen() -> set[str]:
    """Pages of the site that nobody here looks at."""
    shown = {screen.route for screen in (*SCREENS, *ORDER_SCREENS)}
    return {page.path for page in PAGES if page.method == "GET" and page.path not in NO_SCREENS} - {
        page.path for page in PAGES if route_of(page.path) in shown
    }
