"""The types that several resources share.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict


class Money(TypedDict):
    """An amount in minor units of one currency."""

    amount: int
    currency: str


class PageInfo(TypedDict):
    """Where the next page of a list starts."""

    next_cursor: str | None
    has_more: bool


class Rating(TypedDict):
    """Average of whole stars, null while `count` is 0."""

    average: float | None
    count: int


class Party(TypedDict):
    """A person as others see them."""

    id: str
    display_name: str
