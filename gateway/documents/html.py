"""Sheets and the sandbox's page as HTML: no script, one inline style, everything escaped."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from gateway.documents.formatting import LocaleFormatter
from gateway.documents.sheet import Sheet
from kit.localization.translations import N_, current_language, gettext, ngettext

_STYLE = (files(__package__) / "style.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
OUTCOMES = {
    "captured": N_("Paid. Thank you!"),
    "declined": N_("You said no"),
    "cancelled": N_("This payment was cancelled"),
}
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FunctionLoader(lambda name: (files(__package__) / name).read_text("utf-8")),
    autoescape=True,
    extensions=["jinja2.ext.i18n"],
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
_TEMPLATES.globals["language"] = current_language
_TEMPLATES.globals["style"] = Markup(_STYLE)  # noqa: S704 - our own file


def draw_html(sheet: Sheet) -> str:
    """Renders a sheet as an HTML page for screen and print."""
    return _TEMPLATES.get_template("sheet.html").render(sheet=sheet)


def draw_action(action: Mapping[str, Any], formatter: LocaleFormatter) -> str:
    """Renders the sandbox's page, where a payment is confirmed or declined."""
    status = action["status"]
    return _TEMPLATES.get_template("action.html").render(
        status=status,
        amount=formatter.money(action["amount"]),
        outcome=gettext(OUTCOMES[status]) if status in OUTCOMES else "",
    )
