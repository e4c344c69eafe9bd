"""Every setting: its value now, where that came from, and what is wrong with it. Secrets are masked."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.settings import GatewaySettings
from kit.security.tokens import verifying_keys
from kit.settings import BadSetting, Settings, load, raw_value, read
from services.accounts.settings import AccountSettings
from services.catalog.settings import CatalogSettings
from services.messaging.settings import MessagingSettings
from services.orders.settings import OrderPeriods
from services.payments.settings import PaymentSettings
from services.reviews.settings import ReviewPeriods
from website.settings import WebSettings

COMMON = "every process"
GROUPS: dict[str, type[Any]] = {
    COMMON: Settings,
    "accounts": AccountSettings,
    "catalog": CatalogSettings,
    "messaging": MessagingSettings,
    "orders": OrderPeriods,
    "payments": PaymentSettings,
    "reviews": ReviewPeriods,
    "gateway": GatewaySettings,
    "web": WebSettings,
}
MASK, MADE = "***", "(made)"
DEFAULT, ENVIRONMENT = "default", "environment"

# What each group's processes look at before they start.
_CHECKS: dict[str, Callable[[], object]] = {
    COMMON: lambda: verifying_keys(load(Settings)),
    "accounts": lambda: load(AccountSettings),
    "catalog": lambda: load(CatalogSettings),
    "messaging": lambda: load(MessagingSettings),
    "orders": lambda: load(OrderPeriods),
    "payments": lambda: load(PaymentSettings),
    "reviews": lambda: load(ReviewPeriods),
    "gateway": lambda: load(GatewaySettings),
    "web": lambda: load(WebSettings),
}


@dataclasses.dataclass(frozen=True)
class Configured:
    """One setting as it stands; `value` and `default` are fit to be shown."""

    group: str
    name: str
    value: Any
    default: Any
    origin: str
    meaning: str
    secret: bool
    problem: str | None


def configured() -> Iterator[Configured]:
    """Every setting of every process, each once."""
    seen: set[str] = set()
    for group, settings_class in GROUPS.items():
        for field in dataclasses.fields(settings_class):
            if field.name not in seen:
                seen.add(field.name)
                yield _configured(group, field)


def problems() -> dict[str, str]:
    """By group, why its processes would refuse to start with this environment."""
    found: dict[str, str] = {}
    for group, check in _CHECKS.items():
        try:
            check()
        except BadSetting as error:
            if str(error) not in found.values():  # the gateway's settings hold the common ones too
                found[group] = str(error)
    return found


def masked(secret: str) -> str:
    """A secret, fit to be shown: of an address all but its password and options, of others nothing."""
    try:
        url = make_url(secret)
    except (ArgumentError, ValueError):
        return MASK
    before, at, after = secret.partition("@")
    if at and ("?" in before or "@" in after):  # who knows where the password ends
        return MASK
    shown = url.set(query={}).render_as_string(hide_password=True)
    shown = shown.replace("%7Bservice%7D", "{service}")
    return f"{shown}?{MASK}" if url.query else shown


def _configured(group: str, field: "dataclasses.Field[Any]") -> Configured:
    name, secret = field.name.upper(), bool(field.metadata["secret"])
    raw = _raw(name)
    value, problem = _parsed(field)
    default: Any = field.default
    if secret:
        default = MADE if field.metadata["made"] else masked(default) if default else ""
        value = masked(raw) if raw else default
    return Configured(
        group=group,
        name=name,
        value=value,
        default=default,
        origin=DEFAULT if raw is None else ENVIRONMENT,
        meaning=field.metadata["meaning"],
        secret=secret,
        problem=problem,
    )


def _parsed(field: "dataclasses.Field[Any]") -> tuple[Any, str | None]:
    """The value by itself; the raw text and what is wrong with it when it is of another type."""
    try:
        return read(field), None
    except BadSetting as error:
        return _raw(field.name.upper()), str(error)


def _raw(name: str) -> str | None:
    try:
        return raw_value(name)
    except BadSetting:  # a file that cannot be read is this setting's problem, and said as such
        return ""
