"""Who may see and change a service, and what may be done with it in each status. Pure."""

from typing import Protocol, TypeVar

from kit.errors import Conflict, Forbidden, NotFound, Stale
from services.catalog.contract import Action, Status

# What its provider may do with a service in each status, in the order in which people are offered it.
ACTIONS: dict[Status, tuple[Action, ...]] = {
    Status.DRAFT: (Action.EDIT, Action.PUBLISH, Action.ARCHIVE),
    Status.ACTIVE: (Action.EDIT, Action.PAUSE, Action.ARCHIVE),
    Status.PAUSED: (Action.EDIT, Action.RESUME, Action.ARCHIVE),
    Status.ARCHIVED: (),
}


class Listing(Protocol):
    """What the rules need to know of a service."""

    @property
    def provider_id(self) -> str:
        """The account that offers it."""

    @property
    def status(self) -> str:
        """A `Status`."""

    @property
    def public(self) -> bool:
        """Whether others may see it."""

    @property
    def version(self) -> int:
        """How often it was edited."""


Known = TypeVar("Known", bound=Listing)


def available_actions(status: str) -> list[str]:
    """Returns what its provider may do with a service in this status."""
    return [action.value for action in ACTIONS[Status(status)]]


def is_orderable(status: str) -> bool:
    """Whether others may order a service in this status."""
    return status == Status.ACTIVE


def is_public(status: str, was_public: bool = False) -> bool:
    """Whether others may see a service that is given this status. Archiving leaves it as it was."""
    return was_public if status == Status.ARCHIVED else status != Status.DRAFT


def require_owner(listing: Known | None, caller_id: str) -> Known:
    """Returns the service, which only its provider may change.

    Raises: NotFound when there is none or the caller may not even see it; Forbidden for others.
    """
    if listing is None:
        raise no_such_service()
    if listing.provider_id == caller_id:
        return listing
    if not listing.public:
        raise no_such_service()
    raise Forbidden("Only its provider may change a service.")


def require_current_version(listing: Listing, expected_version: int | None) -> None:
    """Refuses to overwrite an edit that the caller has not seen; None accepts any version.

    Raises: Stale.
    """
    if expected_version is not None and expected_version != listing.version:
        raise Stale("The service was changed meanwhile; read it again.", current_version=listing.version)


def require_not_archived(listing: Listing) -> None:
    """Refuses to change an archived service.

    Raises: Conflict `service_archived`.
    """
    if listing.status == Status.ARCHIVED:
        raise Conflict("An archived service can no longer be changed.", code="service_archived")


def no_such_service() -> NotFound:
    """Returns the one error for a service that does not exist and for another provider's draft."""
    return NotFound("There is no such service.")
