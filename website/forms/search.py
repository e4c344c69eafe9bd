"""What a visitor asks the list of services for: what of it the API can be asked, and what was left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client import Problem
from kit.translations import N_, gettext
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
LONGEST_WORDS = 200
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SAID_OF_BAD_PARTS = {"cursor": N_("This page of the list is gone; here is the first one.")}


@dataclass
class SearchFilters:
    """`typed` holds every field as it was typed, `filters` what the API is asked, `complaints` a
    sentence for each part that could not be used."""

    typed: dict[str, str]
    filters: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def sorts(self) -> dict[str, str]:
        """The orders one may choose: by relevance with words, by price within one currency."""
        possible = dict(SORTS)
        if "q" not in self.filters:
            possible.pop("relevance")
        if "currency" not in self.filters:
            possible.pop("price")
            possible.pop("-price")
        return possible

    def leave_out(self, problem: Problem) -> None:
        """Takes back what the API cannot use."""
        for name in {error.get("parameter", "cursor") for error in problem.errors} or {"cursor"}:
            self.filters.pop(name, None)
            if (known := _SAID_OF_BAD_PARTS.get(name)) is not None:
                self.complaints.append(gettext(known))
                continue
            message = gettext("A part of your search was left out: {detail}")
            self.complaints.append(message.format(detail=problem.detail))


def read_search(query: Mapping[str, str]) -> SearchFilters:
    """What an address asks for; whatever it holds, this is no error."""
    wish = SearchFilters({name: query.get(name, "").replace("\x00", "").strip() for name in NAMES})
    wish.typed["q"] = wish.typed["q"][:LONGEST_WORDS].strip()
    for name in ("q", "category"):
        if wish.typed[name]:
            wish.filters[name] = wish.typed[name][:100] if name == "category" else wish.typed[name]
    _read_provider(wish)
    _read_prices(wish)
    _read_rating_and_sort(wish)
    return wish


def _read_provider(wish: SearchFilters) -> None:
    provider_id = wish.typed["provider_id"]
    if _ID.fullmatch(provider_id) is not None:
        wish.filters["provider_id"] = provider_id
    elif provider_id:
        wish.complaints.append(gettext("There is no such provider."))


def _read_prices(wish: SearchFilters) -> None:
    currency = wish.typed["currency"] = wish.typed["currency"].upper()
    if currency in money.CURRENCIES:
        wish.filters["currency"] = currency
    elif currency:
        wish.complaints.append(
            gettext("“{currency}” is not a supported currency.").format(currency=currency[:10])
        )
    for name in ("min_price", "max_price"):
        if not wish.typed[name]:
            continue
        try:
            wish.filters[name] = money.read_money(wish.typed[name], currency)["amount"]
        except money.NoAmount as error:
            wish.complaints.append(gettext("A price limit was left out. {error}").format(error=error))
    if wish.filters.get("min_price", 0) > wish.filters.get("max_price", money.LARGEST_MINOR):
        wish.complaints.append(gettext("Nothing can fit: the lowest price is above the highest."))


def _read_rating_and_sort(wish: SearchFilters) -> None:
    if wish.typed["min_rating"] in RATINGS:
        wish.filters["min_rating"] = float(wish.typed["min_rating"])
    elif wish.typed["min_rating"]:
        wish.complaints.append(gettext("Ratings can be limited to 3, 4 or 4.5 stars and better."))
    sort = wish.typed["sort"] = wish.typed["sort"] or ("relevance" if "q" in wish.filters else NEWEST)
    if sort in ("price", "-price") and "currency" not in wish.filters:
        wish.complaints.append(gettext("Choose a currency to sort by price; these are the newest first."))
    elif sort in wish.sorts and sort != NEWEST:
        wish.filters["sort"] = sort
