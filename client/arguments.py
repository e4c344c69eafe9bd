"""The shapes of what one may ask and change, as keyword arguments; what is left out stays as it is."""

from typing import Literal, TypedDict

from client.resources import Money


class Page(TypedDict, total=False):
    """Which part of a list: `limit` 1 to 100 (default 20), `cursor` from the page before."""

    limit: int
    cursor: str | None


class ServiceFilters(Page, total=False):
    """Which services; prices are in minor units, and sorting by them needs `currency`."""

    q: str | None
    category: str | None
    provider_id: str | None
    min_price: int | None
    max_price: int | None
    currency: str | None
    min_rating: float | None
    sort: Literal["-created_at", "relevance", "price", "-price", "-rating"]


class ProfileReviewFilters(Page, total=False):
    """Which of a provider's reviews."""

    service_id: str | None


class OwnServiceFilters(Page, total=False):
    """Which of the caller's services."""

    status: Literal["draft", "active", "paused", "archived"] | None


class OrderFilters(Page, total=False):
    """Which orders; `status` holds codes separated by commas, "1,2"."""

    status: str | None
    sort: Literal["-updated_at", "-created_at"]


class AccountChanges(TypedDict, total=False):
    """What a person may change about themselves."""

    display_name: str
    bio: str
    time_zone: str
    locale: str


class ServiceChanges(TypedDict, total=False):
    """What a provider may change of a service."""

    title: str
    description: str
    category: str
    price: Money
    delivery_days: int
    revisions: int
    status: Literal["draft", "active", "paused"]


class ReviewChanges(TypedDict, total=False):
    """What its author may change of a review; `text` None takes the text away."""

    rating: int
    text: str | None


class ChannelChanges(TypedDict, total=False):
    """Where notifications of one category may go."""

    in_app: bool
    email: bool


class PreferenceChanges(TypedDict, total=False):
    """What a person wants to be told, and where."""

    order_updates: ChannelChanges
    messages: ChannelChanges
    reviews: ChannelChanges
    payments: ChannelChanges
