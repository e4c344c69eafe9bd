"""The form of a service: its fields, and the values that are sent to the API."""

from collections.abc import Mapping
from typing import Any, cast

from client.arguments import ServiceChanges
from client.resources import Service
from kit.localization.translations import gettext
from website.forms import money
from website.forms.form import Form

FIELDS = ("title", "description", "category", "price", "currency", "delivery_days", "revisions")
LENGTHS = {"title": (5, 120), "description": (20, 5000)}
RANGES = {"delivery_days": (1, 90), "revisions": (0, 10)}
FIRST_VALUES = {"currency": "EUR", "delivery_days": "3", "revisions": "1"}


def values_of(service: Service) -> dict[str, str]:
    """Returns the values of the form of a service."""
    return {
        "title": service["title"],
        "description": service["description"],
        "category": service["category"],
        "price": money.plain_amount(service["price"]),
        "currency": service["price"]["currency"],
        "delivery_days": str(service["delivery_days"]),
        "revisions": str(service["revisions"]),
    }


def read_service(form: Form) -> ServiceChanges:
    """Returns the typed values in the form of the API; invalid ones become errors of the form."""
    read: dict[str, Any] = {name: _text(form, name) for name in LENGTHS}
    read["category"] = form["category"]
    if not form["category"]:
        form.add_error("category", gettext("Choose a category."))
    try:
        read["price"] = money.read_money(form["price"], form["currency"])
    except money.NoAmount as error:
        form.add_error("price" if form["currency"] in money.CURRENCIES else "currency", str(error))
    for name, (least, most) in RANGES.items():
        read[name] = number = form.whole_number(name)
        if not least <= number <= most:
            message = gettext("Write a number from {least} to {most}.")
            form.add_error(name, message.format(least=least, most=most))
    return cast(ServiceChanges, read)


def _text(form: Form, name: str) -> str:
    text, (least, most) = form[name].strip(), LENGTHS[name]
    if not least <= len(text) <= most:
        message = gettext("Write {least} to {most} characters; these are {count}.")
        form.add_error(name, message.format(least=least, most=most, count=len(text)))
    return text


def differences(typed: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Returns the current values of the fields where something else was typed."""
    return {name: now[name] for name in FIELDS if typed.get(name, "").strip() != now[name].strip()}
