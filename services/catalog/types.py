"""The types of the catalog service's answers and events.

Generated from contract.py by `make types`; do not edit.
"""

from typing import NotRequired, TypedDict

from kit.types import EventEnvelope, Money, Party, Rating


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


class Offer(TypedDict):
    """What an order must keep of a service, whatever happens to it later.

    A larger `service_version` is newer; answers of earlier releases have none.
    """

    service_id: str
    service_version: NotRequired[int]
    title: str
    price: Money
    delivery_days: int
    revisions: int
    status: str
    provider: Party


class ServiceChangedFields(TypedDict):
    """The members of `ServiceChanged` besides the envelope's."""

    service_id: str
    provider_id: str
    service_version: int
    offer: NotRequired[Offer | None]


class ServiceChanged(ServiceChangedFields, EventEnvelope):
    """Something public of a service is different now: its text, status, rating or provider's name.

    Only edits raise `service_version`. `offer` is null for a service that others must not see; events of
    earlier releases have none.
    """
