"""Fills every form of a page with texts that would do harm, and sends it."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Locator

from tests.website.browser.support.payloads import assert_harmless, text_of_at_most
from tests.website.browser.support.visitors import Visitor
from tests.website.support.market import PASSWORD
from website.pages import PAGES

TEXTS = "textarea, input:not([type]), input[type=text], input[type=search], input[type=email]"
TRANSITIONS = {"decline", "complete_work", "request_changes", "cancel", "open_dispute", "resolve_dispute"}
UNTYPED = re.compile(
    r"/sign-out$|/pause$|/resume$|/publish$|/archive$|/read-all$|/open$|/settings/notifications$"
    r"|^/pay/|/payments$|/transitions$|/settings/password$"
)
ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}")
SHOWN = """
() => document.body.textContent + [...document.querySelectorAll("input, textarea")].map((each) => each.value)
"""
OPEN = """
(form) => {
  form.noValidate = true;
  const around = form.closest("details");
  if (around) around.open = true;
}
"""


def typed_forms_of_the_site() -> set[str]:
    """The kinds of forms that have a text in them, by the site's own table of pages."""
    paths = {page.path for page in PAGES if page.method == "POST"}
    kinds = {_plain(re.sub(r"\{[^{}]*\}", "", path)) for path in paths if not UNTYPED.search(path)}
    return kinds | {f"/orders/transitions {transition}" for transition in TRANSITIONS}


def fill_every_form(visitor: Visitor, path: str, filled: set[str]) -> None:
    """Fills and sends the forms of a page that are of a kind not yet `filled`."""
    while True:
        page = visitor.page
        page.goto(path)
        assert_harmless(page)
        forms = page.locator("form[method=post]", has=page.locator(TEXTS))
        kinds = [kind_of(form) for form in forms.all()]
        new = [(kind, form) for kind, form in zip(kinds, forms.all(), strict=True) if kind not in filled]
        if not new:
            return
        kind, form = new[0]
        filled.add(kind)
        _send(visitor, form)


def kind_of(form: Locator) -> str:
    """What kind of form it is: where it is sent to, and for an order's step which."""
    action = _plain(ID.sub("/", urlsplit(form.get_attribute("action") or "").path))
    step = form.locator("input[name=transition]")
    return f"{action} {step.input_value()}" if step.count() else action


def _plain(path: str) -> str:
    return re.sub("//+", "/", path).rstrip("/")


def _send(visitor: Visitor, form: Locator) -> None:
    texts = _fill(form)
    form.evaluate(OPEN)
    with visitor.page.expect_navigation():
        form.locator("button:not([type=button])").first.click()
    assert_harmless(visitor.page)
    shown = visitor.page.evaluate(SHOWN)
    for text in texts:
        assert text in shown, f"{visitor.page.url} does not show {text}"
    visitor.check()


def _fill(form: Locator) -> list[str]:
    texts = []
    for each in form.locator(TEXTS).all():
        if each.evaluate("(field) => field.readOnly || (field.inputMode === 'decimal' && !field.required)"):
            continue
        text = text_of_at_most(min(int(each.get_attribute("maxlength") or "200"), 2000))
        if each.evaluate("(field) => field.matches('input')"):
            text = text.replace("\n", " ")
        each.evaluate("(field, text) => { field.value = text; }", text)
        texts.append(text)
    for each in form.locator("input[type=password]").all():
        each.fill(PASSWORD)
    for radio in form.locator("input[type=radio]").all()[:1]:
        radio.evaluate("(radio) => { radio.checked = true; }")
    return texts
