"""Options that several commands have."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def gateway_url(meaning: str) -> Callable[[Command], Command]:
    """`--url`: the address of a gateway."""
    return click.option(
        "--url",
        envvar="MICROTASKS_URL",
        default="http://127.0.0.1:8000",
        show_default=True,
        show_envvar=True,
        callback=_http_address,
        help=meaning,
    )


def site_url(meaning: str) -> Callable[[Command], Command]:
    """`--site`: the address of the web site; empty when none is given."""
    return click.option(
        "--site",
        envvar="MICROTASKS_SITE",
        default="",
        show_envvar=True,
        callback=lambda *asked: _http_address(*asked) if asked[-1] else "",
        help=meaning,
    )


def _http_address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise click.BadParameter(f"{value!r} is no address like http://127.0.0.1:8000")
    return value.rstrip("/")
