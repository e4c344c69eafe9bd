"""Every screen of the site and the role that sees it, for the tests and the gallery."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from client.resources import Order, Payment, Service
from tests.website.support.market import Person
from tests.website.support.scenes import STATES, Scene, post_service
from website.pages import PAGES

VISITOR, CUSTOMER, PROVIDER, STAFF, NEWCOMER = "visitor", "customer", "provider", "staff", "newcomer"
NO_SCREENS = {"/live/events", "/live/bell"}
IS_FILE = (".pdf",)


@dataclass(frozen=True)
class Screen:
    """A page as one role sees it; `{…}` in its path stands for an id in `ScreenData`."""

    who: str
    path: str
    status: int = 200

    def __str__(self) -> str:
        """A name for tests and files."""
        return f"{self.who}-{re.sub('[^a-z0-9]+', '-', self.path.lower()).strip('-') or 'home'}"


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
    Screen(CUSTOMER, "/services/{service}/order"),
    Screen(CUSTOMER, "/orders"),
    Screen(CUSTOMER, "/orders?role=customer&status=7"),
    Screen(PROVIDER, "/orders?role=provider"),
    Screen(NEWCOMER, "/orders"),
    Screen(STAFF, "/orders?role=provider"),
    Screen(CUSTOMER, "/messages"),
    Screen(NEWCOMER, "/messages"),
    Screen(CUSTOMER, "/pay/{action}"),
    Screen(CUSTOMER, "/payments/{payment}/receipt"),
    Screen(PROVIDER, "/dashboard"),
    Screen(NEWCOMER, "/dashboard"),
    Screen(PROVIDER, "/dashboard/services"),
    Screen(NEWCOMER, "/dashboard/services"),
    Screen(PROVIDER, "/dashboard/services/new"),
    Screen(PROVIDER, "/dashboard/services/{service}"),
    Screen(PROVIDER, "/dashboard/services/{draft}"),
    Screen(PROVIDER, "/dashboard/transactions"),
    Screen(NEWCOMER, "/dashboard/transactions"),
    Screen(PROVIDER, "/dashboard/statements/{month}"),
    Screen(VISITOR, "/profiles/{provider}"),
    Screen(PROVIDER, "/profiles/{provider}"),
    Screen(CUSTOMER, "/profiles/{customer}"),
    Screen(PROVIDER, "/notifications"),
    Screen(PROVIDER, "/notifications?unread=1"),
    Screen(NEWCOMER, "/notifications"),
    Screen(CUSTOMER, "/settings"),
    Screen(NEWCOMER, "/orders/{pending}", 404),
    Screen(VISITOR, "/nowhere", 404),
    Screen(NEWCOMER, "/nowhere", 404),
)


class ScreenData:
    """The data of the screens: orders in every state, services in every status, and people in every role."""

    def __init__(self, scene: Scene) -> None:
        self._scene, market = scene, scene.market
        newcomer = market.person("Nora Newcomer")
        self.people: dict[str, Person | None] = {
            VISITOR: None,
            CUSTOMER: scene.customer,
            PROVIDER: scene.provider,
            STAFF: scene.staff,
            NEWCOMER: newcomer,
        }
        self.orders: dict[str, Order] = scene.orders()
        scene.wait_for_earnings()
        paused = post_service(market, scene.provider)
        market.ask(scene.provider.api.change_service(paused, status="paused"))
        draft: Service = post_service(market, scene.provider, status="draft")
        self._ids = {state: order["id"] for state, order in self.orders.items()} | {
            "service": scene.service["id"],
            "paused": paused["id"],
            "draft": draft["id"],
            "customer": scene.customer.id,
            "provider": scene.provider.id,
            "payment": self._payments("paid")[0]["id"],
            "action": (self._payments("payment waits")[0]["action_url"] or "").rpartition("/")[2],
            "month": datetime.now(UTC).strftime("%Y-%m"),
        }

    def _payments(self, state: str) -> list[Payment]:
        return self._scene.market.ask(self._scene.customer.api.payments(self.orders[state]["id"]))["data"]

    def path(self, screen: Screen) -> str:
        """Where a screen is."""
        return screen.path.format_map(self._ids)


def route_of(path: str) -> str:
    """A path without its query and without the names of its variables."""
    return re.sub(r"\{([^{}]|\{[^}]*\})*\}", "{}", path.partition("?")[0])


def routes_without_screen() -> set[str]:
    """Pages of the site that nobody here looks at."""
    shown = {route_of(screen.path) for screen in (*SCREENS, *ORDER_SCREENS)}
    pages = {page.path for page in PAGES if page.method == "GET" and not page.path.endswith(IS_FILE)}
    return {path for path in pages - NO_SCREENS if route_of(path) not in shown}
