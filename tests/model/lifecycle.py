"""The lifecycle once more, written from the documented table and not from the code.

Small and slow on purpose: a mapping from transition and role to the statuses, and a few rules.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

EXPIRY, CONFIRMATION = timedelta(hours=72), timedelta(days=14)
REMINDER_DAYS = (5, 12)
OPEN = (1, 2, 3)
CHOSEN = None

# transition and role → {from: to}
MOVES: dict[tuple[str, str], dict[int, int | None]] = {
    ("submit", "customer"): {},
    ("approve", "provider"): {1: 2},
    ("decline", "provider"): {1: 7},
    ("withdraw", "customer"): {1: 7},
    ("expire", "system"): {1: 7},
    ("complete_work", "provider"): {2: 3},
    ("request_changes", "customer"): {3: 2},
    ("confirm", "customer"): {3: 4},
    ("auto_confirm", "system"): {3: 4},
    ("cancel", "customer"): {2: 7},
    ("cancel", "provider"): {2: 7, 3: 7},
    ("cancel", "staff"): {1: 7, 2: 7, 3: 7},
    ("open_dispute", "customer"): {2: 2, 3: 3},
    ("open_dispute", "provider"): {2: 2, 3: 3},
    ("resolve_dispute", "staff"): {2: CHOSEN, 3: CHOSEN},
}
TRANSITIONS = sorted({transition for transition, _ in MOVES})
NEEDS_REASON = {"decline", "request_changes", "cancel", "open_dispute", "resolve_dispute"}


class Refused(Exception):
    """The error that the model predicts: its kind and code."""

    def __init__(self, kind: str, code: str, **data: Any) -> None:
        super().__init__(kind, code)
        self.kind, self.code, self.data = kind, code, data


@dataclass(frozen=True)
class Line:
    """One line of an order's history."""

    transition: str
    from_status: int | None
    to_status: int
    actor_id: str | None
    role: str
    reason: str | None
    at: datetime

    @property
    def what(self) -> tuple[str, int | None, int]:
        """The step."""
        return self.transition, self.from_status, self.to_status

    @property
    def who(self) -> tuple[str | None, str]:
        """The actor, in which role."""
        return self.actor_id, self.role


@dataclass
class Order:
    """An order as domain.md describes it."""

    id: str
    customer_id: str
    provider_id: str
    service_id: str
    delivery_days: int
    revisions_allowed: int
    created_at: datetime
    status: int = 1
    revisions_used: int = 0
    disputed_at: datetime | None = None
    work_was_completed: bool = False
    due_at: datetime | None = None
    confirm_by: datetime | None = None
    reminders: list[datetime] = field(default_factory=list)
    history: list[Line] = field(default_factory=list)

    @property
    def version(self) -> int:
        """Each transition raises it, nothing else does."""
        return len(self.history)

    @property
    def payment_status(self) -> str:
        """What the completion changes."""
        return "due" if self.status == 4 else "not_due"

    def roles_of(self, person_id: str, is_staff: bool) -> list[str]:
        """A party is that party only, staff or not."""
        parties = {"customer": self.customer_id, "provider": self.provider_id}
        return [role for role, id_ in parties.items() if id_ == person_id] or ["staff"] * is_staff

    def allows(self, transition: str, role: str) -> bool:
        """Whether that is possible now."""
        if self.status not in MOVES.get((transition, role), {}):
            return False
        if transition == "resolve_dispute":
            return self.disputed_at is not None
        if self.disputed_at is not None:  # stops every clock and everything the parties can do
            return (transition, role) == ("cancel", "staff")
        if transition == "request_changes":
            return self.revisions_used < self.revisions_allowed
        if (transition, role) == ("cancel", "customer"):
            return not self.work_was_completed
        return True

    def available(self, roles: list[str]) -> set[str]:
        """What somebody with these roles may do now."""
        return {transition for transition in TRANSITIONS for role in roles if self.allows(transition, role)}

    def refuse(self, roles: list[str], wanted: dict[str, Any], is_staff: bool) -> None:
        """Raises: Refused, in the promised order: 404, 403, 412, 409, 422."""
        transition, version = wanted["transition"], wanted.get("expected_version")
        if not roles:
            raise Refused("not_found", "not_found")
        staff_could = is_staff and transition in self.available(["staff"])
        if staff_could and transition not in self.available(roles):
            raise Refused("forbidden", "not_allowed")
        if not any((transition, role) in MOVES for role in roles):
            raise Refused("forbidden", "not_allowed")
        if version not in (None, self.version):
            raise Refused("stale", "precondition_failed")
        if transition not in self.available(roles):
            may = sorted(self.available(roles))
            raise Refused(
                "conflict", "invalid_transition", current_status=self.status, available_transitions=may
            )
        self._refuse_fields(transition, wanted.get("reason"), wanted.get("to_status"))

    def _refuse_fields(self, transition: str, reason: str | None, to_status: int | None) -> None:
        if transition in NEEDS_REASON and not (reason or "").strip():
            raise Refused("invalid", "reason_required")
        if transition != "resolve_dispute" and to_status is not None:
            raise Refused("invalid", "to_status_not_allowed")
        if transition == "resolve_dispute" and to_status is None:
            raise Refused("invalid", "to_status_required")
        if to_status not in (None, 2, 4, 7):
            raise Refused("invalid", "to_status_invalid")

    def apply(
        self,
        transition: str,
        actor_id: str | None,
        roles: list[str],
        now: datetime,
        reason: str | None = None,
        to_status: int | None = None,
    ) -> Line:
        """Applies a transition as the first role that may; returns its line of history."""
        role = next(role for role in roles if self.allows(transition, role))
        target = MOVES[transition, role][self.status] or to_status
        assert target is not None
        said = reason if reason and reason.strip() else None
        line = Line(transition, self.status, target, actor_id, role, said, now)
        self._move(transition, target, now)
        self.history.append(line)
        return line

    def _move(self, transition: str, target: int, now: datetime) -> None:
        if transition == "resolve_dispute" and target == 2:
            assert self.due_at is not None and self.disputed_at is not None
            self.due_at += now - self.disputed_at
        self.status, self.disputed_at, self.confirm_by, self.reminders = target, None, None, []
        if transition == "approve":
            self.due_at = now + timedelta(days=self.delivery_days)
        if transition == "complete_work":
            self.work_was_completed, self.confirm_by = True, now + CONFIRMATION
            self.reminders = [now + timedelta(days=day) for day in REMINDER_DAYS]
        if transition == "request_changes":
            self.revisions_used += 1
        if transition == "open_dispute":
            self.disputed_at = now

    def clock_transition(self, now: datetime) -> str | None:
        """The transition that a timer makes now."""
        if self.status == 1 and self.created_at + EXPIRY <= now:
            return "expire"
        if self.confirm_by is not None and self.confirm_by <= now:
            return "auto_confirm"
        return None

    def due_reminder(self, now: datetime) -> int | None:
        """The day of the reminder that goes out now, and not again."""
        if self.confirm_by is None or self.confirm_by <= now or not self.reminders:
            return None
        if self.reminders[0] > now:
            return None
        self.reminders.pop(0)
        return REMINDER_DAYS[-1 - len(self.reminders)]
