"""Looking closely at an open page: accessibility, both themes, narrow and wide, and its weight."""

import json
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDE, NARROW, NARROWEST = 1280, 360, 320
HEIGHT = 900
HEAVIEST_BYTES = 60 * 1024
COLOURS = {"type": "rule", "values": ["color-contrast"]}
RUN_AXE = """
(only) => axe.run({resultTypes: ["violations"], ...(only && {runOnly: only})}).then((found) =>
  found.violations.map((rule) => `${rule.id}: ${rule.help}: ` + rule.nodes.map((node) => {
    const why = node.any.concat(node.all, node.none).map((check) => check.message);
    return `${node.html} (${why.join("; ")})`;
  }).join(" | ")))
"""
TOO_WIDE = """
() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > room + 1)
    .map((each) => each.outerHTML.slice(0, 120));
}
"""
FILES = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((each) => !["fetch", "other", "eventsource", "xmlhttprequest"].includes(each.initiatorType))
  .map((each) => [each.name, each.encodedBodySize])
"""


def violations_of(page: Page) -> list[str]:
    """Returns the accessibility violations of an open page, in light and dark, at every width."""
    page.evaluate(_axe_script())
    found: list[str] = []
    for width, theme, only in (
        (WIDE, "light", None),
        (WIDE, "dark", COLOURS),
        (NARROW, "dark", None),
        (NARROW, "light", COLOURS),
    ):
        show(page, width, theme)
        found += [f"{width} {theme}: {each}" for each in page.evaluate(RUN_AXE, only)]
    for width in (NARROW, NARROWEST):
        show(page, width, "light")
        found += [f"wider than {width}: {each}" for each in page.evaluate(TOO_WIDE)]
    show(page, WIDE, "light")
    return found


def show(page: Page, width: int, theme: Any) -> None:
    """The page at a width, light or dark."""
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": HEIGHT})


def weight_of(page: Page) -> dict[str, int]:
    """The compressed bytes of the page and of each file it needs, as the browser received them."""
    files: list[tuple[str, int]] = page.evaluate(FILES)
    return {name.rpartition("/")[2] or "/": size for name, size in files}


def assert_light(page: Page) -> None:
    """A first view of the page stays within the budget."""
    weight = weight_of(page)
    assert all(weight.values()), f"unknown sizes: {weight}"
    assert sum(weight.values()) <= HEAVIEST_BYTES, json.dumps(weight, indent=1)


def _axe_script() -> str:
    script: str = Axe().axe_script
    return script
