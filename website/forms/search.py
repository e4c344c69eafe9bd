"""The filters of the list of services, read from the query string; invalid ones are left out and named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client import Problem
from kit.localization.translations import N_, gettext
from website.forms import money

NAMES = ("q", "category", "provider_id", "min_price", "max_price", "currency", "min_rating", "sort")
NEWEST = "-created_at"
SORTS = {
    NEWEST: N_("Newest"),
    "relevance": N_("Best match"),
    "-rating": N_("Best rated"),
    "price": N_("Cheapest"),
    "-price": N_("Most expensive"),
}
RATINGS = ("3", "4", "4.5")
MAX_QUERY_CHARACTERS = 200
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DROPPED_MESSAGES = {"cursor": N_("This page of the list is gone; here is the first one.")}


@dataclass
class Search:
    """A search for services.

    `typed` are the fields as they were typed, `filters` the arguments for the API, and `warnings` the
    messages about fields that were left out.
    """

    typed: dict[str, str]
    filters: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def sorts(self) -> dict[str, str]:
        """The available sort orders: relevance needs a text, price needs a currency."""
        possible = dict(SORTS)
        if "q" not in self.filters:
            possible.pop("relevance")
        if "currency" not in self.filters:
            possible.pop("price")
            possible.pop("-price")
        return possible

    def drop_rejected(self, problem: Problem) -> None:
        """Removes the filters that the API rejected."""
        for name in {error.get("parameter", "cursor") for error in problem.errors} or {"cursor"}:
            self.filters.pop(name, None)
            if (known := _DROPPED_MESSAGES.get(name)) is not None:
                self.warnings.append(gettext(known))
                continue
            message = gettext("A part of your search was left out: {detail}")
            self.warnings.append(message.format(detail=problem.detail))


def read_search(query: Mapping[str, str]) -> Search:
    """Returns the search of a query string. Invalid values become warnings, never an error."""
    search = Search({name: query.get(name, "").replace("\x00", "").strip() for name in NAMES})
    search.typed["q"] = search.typed["q"][:MAX_QUERY_CHARACTERS].strip()
    for name in ("q", "category"):
        if search.typed[name]:
            search.filters[name] = search.typed[name][:100] if name == "category" else search.typed[name]
    _read_provider(search)
    _read_prices(search)
    _read_rating_and_sort(search)
    return search


def _read_provider(search: Search) -> None:
    provider_id = search.typed["provider_id"]
    if _ID.fullmatch(provider_id) is not None:
        search.filters["provider_id"] = provider_id
    elif provider_id:
        search.warnings.append(gettext("There is no such provider."))


def _read_prices(search: Search) -> None:
    currency = search.typed["currency"] = search.typed["currency"].upper()
    if currency in money.CURRENCIES:
        search.filters["currency"] = currency
    elif currency:
        search.warnings.append(
            gettext("“{currency}” is not a supported currency.").format(currency=currency[:10])
        )
    for name in ("min_price", "max_price"):
        if not search.typed[name]:
            continue
        try:
            search.filters[name] = money.read_money(search.typed[name], currency)["amount"]
        except money.NoAmount as error:
            search.warnings.append(gettext("A price limit was left out. {error}").format(error=error))
    if search.filters.get("min_price", 0) > search.filters.get("max_price", money.LARGEST_MINOR):
        search.warnings.append(gettext("Nothing can fit: the lowest price is above the highest."))


def _read_rating_and_sort(search: Search) -> None:
    if search.typed["min_rating"] in RATINGS:
        search.filters["min_rating"] = float(search.typed["min_rating"])
    elif search.typed["min_rating"]:
        search.warnings.append(gettext("Ratings can be limited to 3, 4 or 4.5 stars and better."))
    sort = search.typed["sort"] = search.typed["sort"] or ("relevance" if "q" in search.filters else NEWEST)
    if sort in ("price", "-price") and "currency" not in search.filters:
        search.warnings.append(gettext("Choose a currency to sort by price; these are the newest first."))
    elif sort in search.sorts and sort != NEWEST:
        search.filters["sort"] = sort
