"""The rules of a listing: who may change it and until when. Pure."""

from typing import Protocol, TypeVar

from kit.errors import Conflict, Forbidden, NotFound, Stale


class Listing(Protocol):
    """What the rules need to know of a service."""

    @property
    def provider_id(self) -> str:
        """Its owner."""

    @property
    def status(self) -> str:
        """draft, active, paused or archived."""

    @property
    def public(self) -> bool:
        """Whether others see it."""

    @property
    def version(self) -> int:
        """How often it was edited."""


Known = TypeVar("Known", bound=Listing)


# What its provider may do with a service in each status, in the order in which people are offered it.
ACTIONS: dict[str, tuple[str, ...]] = {
    "draft": ("edit", "publish", "archive"),
    "active": ("edit", "pause", "archive"),
    "paused": ("edit", "resume", "archive"),
    "archived": (),
}


def available_actions(status: str) -> list[str]:
    """Returns what its provider may do with a service in this status."""
    return list(ACTIONS[status])


def is_orderable(status: str) -> bool:
    """Whether others may order a service in this status."""
    return status == "active"


def is_public(status: str) -> bool:
    """Whether others see a service its owner gives this status. Archiving leaves it as it was."""
    return status != "draft"


def owned(listing: Known | None, caller_id: str) -> Known:
    """The service, if the caller may touch it: only its owner may.

    Raises: NotFound when there is none or the caller may not even see it; Forbidden for others.
    """
    if listing is None:
        raise no_such_service()
    if listing.provider_id == caller_id:
        return listing
    if not listing.public:
        raise no_such_service()
    raise Forbidden("Only its provider may change a service.")


def check_seen(listing: Listing, expected_version: int | None) -> None:
    """Nobody overwrites an edit they have not seen; None expects nothing.

    Raises: Stale.
    """
    if expected_version is not None and expected_version != listing.version:
        raise Stale("The service was changed meanwhile; read it again.", current_version=listing.version)


def check_changeable(listing: Listing) -> None:
    """An archived service stays as it is.

    Raises: Conflict `service_archived`.
    """
    if listing.status == "archived":
        raise Conflict("An archived service can no longer be changed.", code="service_archived")


def no_such_service() -> NotFound:
    """There is none, or it is somebody else's draft: the answer is the same."""
    return NotFound("There is no such service.")
