"""The types that the OpenAPI document does not name."""

from typing import Any, Generic, TypeAlias, TypedDict, TypeVar

from client.resources.notifications import NotificationActor
from client.resources.orders import OrderedService
from client.resources.shared import PageInfo

Item = TypeVar("Item")
Actor: TypeAlias = NotificationActor
PageLinks: TypeAlias = PageInfo
ServiceReference: TypeAlias = OrderedService


class Listing(TypedDict, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    page: PageInfo


class LiveEvent(TypedDict):
    """One event of the live stream. It only says what changed: read the resource that `data` names."""

    id: str
    type: str
    data: dict[str, Any]
