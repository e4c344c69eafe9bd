"""The types of data that services exchange.

The TypedDicts are the values of the schemas in `kit/validation.py` and `kit/contracts.py`; a test compares
them. The answers and events of a service have theirs in `services/<name>/types.py`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict

JsonObject: TypeAlias = Mapping[str, object]
"""Any JSON object, TypedDicts included, for code that reads none of its members."""

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | JsonObject | None"
"""Any JSON value, for code that passes values on without knowing them."""


class Money(TypedDict):
    """An amount in minor units of one currency."""

    amount: int
    currency: str


class Party(TypedDict):
    """A person as others see them."""

    id: str
    display_name: str


class Rating(TypedDict):
    """Average of whole stars, null while `count` is 0."""

    average: float | None
    count: int


class EventEnvelope(TypedDict):
    """What every event carries besides its own members."""

    event_id: str
    version: int
    occurred_at: str
