"""Moving through pages by keyboard alone."""

from playwright.sync_api import Page

FURTHEST = 120
FOCUSED = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return "";
  const labels = [...(element.labels ?? [])].map((label) => label.textContent);
  const said = element.cloneNode(true);
  for (const silent of said.querySelectorAll("[aria-hidden=true]")) silent.remove();
  const name = element.getAttribute("aria-label") || labels.join(" ") || said.textContent;
  return name.replace(/\\s+/g, " ").trim();
}
"""
IS_SEEN = """
() => {
  const element = document.activeElement;
  const shown = [element, element.closest("label"), element.parentElement].filter(Boolean)
    .concat(...[element.nextElementSibling ?? []]);
  const marks = (style) => parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none";
  const isMarked = (each) => ["", "::after", "::before"].some((part) => marks(getComputedStyle(each, part)));
  return shown.some(isMarked);
}
"""


def focused(page: Page) -> str:
    """What the focused element is called."""
    name: str = page.evaluate(FOCUSED)
    return name


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until the element of that name (its beginning) has the focus, and shows that it has."""
    passed = []
    for _ in range(FURTHEST):
        page.keyboard.press("Tab")
        passed.append(focused(page))
        if passed[-1].startswith(name):
            assert page.evaluate(IS_SEEN), f"nobody sees that {name} has the focus"
            return
    raise AssertionError(f"no way to {name} by Tab; passed {passed}")


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Goes to an element and presses a key there."""
    tab_to(page, name)
    page.keyboard.press(key)


def enter(page: Page, name: str, text: str) -> None:
    """Goes to a field and types."""
    tab_to(page, name)
    page.keyboard.type(text)
