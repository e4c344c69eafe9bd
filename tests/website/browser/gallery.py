"""Takes pictures of every screen into build/screenshots/, and the README's into docs/site.png.

`make screenshots`, or for some screens only: `python -m tests.website.browser.gallery orders dashboard`.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser
from rich.console import Console
from rich.progress import track

from cli.commands.dev import DEMO_FILE, FINISHED
from cli.demo.people import CUSTOMERS, PASSWORD, PROVIDERS, STAFF
from tests.support.codebase import ROOT
from tests.website.browser.support.chromium import chromium
from tests.website.browser.support.page_checks import HEIGHT, NARROW, WIDE, show
from tests.website.browser.support.visitors import Visitor
from tests.website.support.market import Market
from tests.website.support.scenes import Scene
from tests.website.support.screens import CUSTOMER, ORDER_SCREENS, SCREENS, Screen, ScreenData

PICTURES = ROOT / "build" / "screenshots"
OF_README = ROOT / "docs" / "site.png"
SHOWN_IN_README = Screen(CUSTOMER, "/orders/{work completed}")
LOOKS = ((WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark"))
SEEDED_WITHIN_SECONDS = 300


def wait_for_demo(market: Market) -> None:
    """Returns when the demo data are complete."""
    mark, give_up_at = market.process.data_dir / DEMO_FILE, time.monotonic() + SEEDED_WITHIN_SECONDS
    while not mark.exists() or mark.read_text() != FINISHED:
        if time.monotonic() > give_up_at:
            raise SystemExit(f"The demo data were not complete in time:\n{market.process.output()}")
        time.sleep(0.2)


def demo_scene(market: Market) -> Scene:
    """A customer, a provider and staff of the demo, and a service of that provider."""
    customer, provider, staff = (
        market.known(person.email, PASSWORD) for person in (CUSTOMERS[0], PROVIDERS[0], STAFF)
    )
    services = market.ask(provider.api.own_services(status="active"))["data"]
    return Scene(market, customer, provider, staff, services[-1])


def take_pictures(browser: Browser, market: Market, screens: Sequence[Screen]) -> None:
    """Every screen at both widths, light and dark."""
    screen_data = ScreenData(demo_scene(market))
    visitors = {who: Visitor(browser, market.site, person) for who, person in screen_data.people.items()}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for screen in track(screens, "Pictures", console=Console()):
        page = visitors[screen.who].page
        page.goto(screen_data.path(screen))
        for width, theme in LOOKS:
            show(page, width, theme)
            page.screenshot(path=PICTURES / f"{screen}-{width}-{theme}.png", full_page=True, caret="initial")
    if (customer := screen_data.people[SHOWN_IN_README.who]) is not None:
        market.ask(customer.api.mark_all_read())
    picture_for_readme(visitors[SHOWN_IN_README.who], screen_data.path(SHOWN_IN_README))


def picture_for_readme(visitor: Visitor, path: str) -> None:
    """An order page, wide and light, as large as a window."""
    page = visitor.page
    answer = page.goto(path)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{path} is no page to show: {answer and answer.status}")
    show(page, WIDE, "light")
    page.screenshot(path=OF_README, clip={"x": 0, "y": 0, "width": WIDE, "height": HEIGHT})


def main(words: Sequence[str]) -> None:
    """Pictures of the screens whose names contain one of the words; without words of all."""
    screens = [s for s in (*SCREENS, *ORDER_SCREENS) if not words or any(word in str(s) for word in words)]
    with tempfile.TemporaryDirectory(prefix="microtasks-gallery-") as folder:
        Path(folder).chmod(0o755)
        with Market(Path(folder), SEED="1") as market, chromium() as browser:
            wait_for_demo(market)
            take_pictures(browser, market, screens)


if __name__ == "__main__":
    main(sys.argv[1:])
