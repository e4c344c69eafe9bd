"""Templates. Everything is escaped unless it is markup that we made ourselves."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup

from kit.localization import dates, translations
from kit.localization.locales import locale_of
from kit.localization.money import format_money
from kit.text import isolated
from website.assets import Assets
from website.forms import money
from website.forms.form import new_key
from website.security.account_signatures import OWNER_FIELD
from website.views import labels, names

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False})


_FORM = re.compile(r"<form\b(?:\{\{.*?\}\}|\{%.*?%\}|[^>{])*>", re.DOTALL)
_OWNER_INPUT = f'<input type="hidden" name="{OWNER_FIELD}" value="{{{{ owner_field }}}}">'


class OwnedForms(Extension):
    """Every form of a template says whose it is, without the template's doing."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template with a hidden field at the beginning of each form that is posted."""
        return _FORM.sub(lambda tag: tag[0] + (_OWNER_INPUT if 'method="post"' in tag[0] else ""), source)


def make_environment(assets: Assets) -> Environment:
    """The templates of `website/templates`, with our filters.

    Amounts and times are written for `locale` and `time_zone`, which every page has.
    """
    environment = Environment(
        loader=PackageLoader("website"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[OwnedForms, "jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        translations.gettext,
        translations.ngettext,
        newstyle=True,
        pgettext=translations.pgettext,
        npgettext=translations.npgettext,
    )
    environment.globals.update(
        asset=assets.path, new_key=new_key, labels=labels, script_texts=labels.script_texts
    )
    environment.filters.update(FILTERS)
    return environment


def _translated(message: str) -> str:
    """A message of one of our tables, as text: a name that the API added to one is escaped like any other."""
    return translations.gettext(message) if message else ""


@pass_context
def _rating(context: Context, average: float) -> str:
    """An average of stars with one decimal."""
    written: str = format_decimal(f"{average:.1f}", "0.0", locale_of(context["locale"]))
    return written


@pass_context
def _plain_number(context: Context, number: float) -> str:
    """A number with no more decimals than it has."""
    written: str = format_decimal(number, locale=locale_of(context["locale"]))
    return written


@pass_context
def _money(context: Context, amount: Mapping[str, Any]) -> str:
    return format_money(amount, context["locale"])


@pass_context
def _moment(context: Context, timestamp: str) -> Markup:
    """A time with its machine-readable form."""
    shown = dates.format_moment(timestamp, context["locale"], context["time_zone"])
    return Markup('<time datetime="{}">{}</time>').format(timestamp, shown)


@pass_context
def _day(context: Context, timestamp: str) -> Markup:
    """A date with its machine-readable form."""
    shown = dates.format_day(timestamp, context["locale"], context["time_zone"])
    return Markup('<time datetime="{}">{}</time>').format(timestamp, shown)


@pass_context
def _clock(context: Context, timestamp: str) -> Markup:
    """A time of a day that is said elsewhere."""
    shown = dates.format_clock(timestamp, context["locale"], context["time_zone"])
    return Markup('<time datetime="{}">{}</time>').format(timestamp, shown)


def _is_past(timestamp: str) -> bool:
    return dates.parse(timestamp) < datetime.now(UTC)


def _markdown(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - raw HTML is off, so the output is ours


FILTERS = {
    "money": _money,
    "amount": money.plain_amount,
    "moment": _moment,
    "day": _day,
    "clock": _clock,
    "distance": dates.format_distance,
    "translated": _translated,
    "rating": _rating,
    "plain_number": _plain_number,
    "is_past": _is_past,
    "markdown": _markdown,
    "bdi": names.bdi,
    "isolated": isolated,
    "initial": names.initial,
}
