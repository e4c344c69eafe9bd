"""The types of catalog.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict

from client.resources.shared import Money, Party, Rating


class Category(TypedDict):
    """A category; `id` is a stable slug and what `category` holds everywhere."""

    id: str
    name: str


class Service(TypedDict):
    """A service as everybody sees it; only edits raise `version`.

    `available_actions` is what its provider may do now, whoever reads it, and `orderable` is whether
    others may order it now.
    """

    id: str
    title: str
    description: str
    category: str
    price: Money
    delivery_days: int
    revisions: int
    status: str
    provider: Party
    rating: Rating
    created_at: str
    updated_at: str
    version: int
    available_actions: list[str]
    orderable: bool
