"""Believable events for the tests of messaging."""

from typing import Any

import uuid6

from kit.security.tokens import Caller

Fact = Any

# transition: (from, to, the roles that domain.md lets do it)
TRANSITIONS: dict[str, tuple[int | None, int, tuple[str, ...]]] = {
    "submit": (None, 1, ("customer",)),
    "approve": (1, 2, ("provider",)),
    "decline": (1, 7, ("provider",)),
    "withdraw": (1, 7, ("customer",)),
    "expire": (1, 7, ("system",)),
    "complete_work": (2, 3, ("provider",)),
    "request_changes": (3, 2, ("customer",)),
    "confirm": (3, 4, ("customer",)),
    "auto_confirm": (3, 4, ("system",)),
    "cancel": (2, 7, ("customer", "provider", "staff")),
    "open_dispute": (2, 2, ("customer", "provider")),
    "resolve_dispute": (2, 4, ("staff",)),
}


def new_id() -> str:
    return str(uuid6.uuid7())


def person(name: str, *roles: str) -> Caller:
    return Caller(id=new_id(), display_name=name, roles=frozenset(roles), session_id=new_id())


def party(caller: Caller) -> dict[str, str]:
    return {"id": caller.id, "display_name": caller.display_name}


class Deal:
    """One order between two people, and the events it causes."""

    def __init__(self, customer: Caller | None = None, provider: Caller | None = None) -> None:
        self.customer = customer or person("Carla Customer")
        self.provider = provider or person("Pavel Provider")
        self.staff = person("Stella Staff", "staff")
        self.stranger = person("Stan Stranger")
        self.order_id = new_id()
        self.number = "MT-" + self.order_id[-6:].upper()
        self.service = {"id": new_id(), "title": "A logo, drawn by hand"}
        self.sequence = 0

    def _parties(self) -> Fact:
        return {
            "event_id": new_id(),
            "order_id": self.order_id,
            "customer": party(self.customer),
            "provider": party(self.provider),
            "service": self.service,
        }

    def actor(self, role: str) -> Fact:
        if role == "system":
            return {"id": None, "display_name": "MicroTasks", "role": "system"}
        return {**party(getattr(self, role)), "role": role}

    def transition(self, transition: str = "submit", role: str | None = None, **changes: Any) -> Fact:
        """The next `order_status_changed` of this order."""
        self.sequence += 1
        from_status, to_status, roles = TRANSITIONS[transition]
        return {
            **self._parties(),
            "number": self.number,
            "order_version": self.sequence,
            "transition": transition,
            "from_status": from_status,
            "to_status": to_status,
            "sequence": self.sequence,
            "disputed": transition == "open_dispute",
            "actor": self.actor(role or roles[0]),
            "price": {"amount": 4500, "currency": "EUR"},
            "reason": "It is <b>late</b>" if transition in ("decline", "cancel", "request_changes") else None,
            "note": None,
            "completed_at": None,
            **changes,
        }

    def reminder(self, day: int = 5) -> Fact:
        clock = {"kind": "confirm", "day": day, "confirm_by": "2026-05-01T10:00:00.000000Z"}
        return {**self._parties(), "number": self.number, **clock}

    def review(self) -> Fact:
        return {**self._parties(), "review_id": new_id(), "rating": 4, "review_version": 1}

    def review_change(self, change: str) -> Fact:
        return {**self.review(), "review_version": 2, "change": change}

    def order(self, status: int = 1, version: int = 1) -> Fact:
        """What orders answers to one of the parties."""
        return {
            "id": self.order_id,
            "number": self.number,
            "status": status,
            "service": self.service,
            "customer": party(self.customer),
            "provider": party(self.provider),
            "version": version,
        }
