"""The rules of an order: who may do what, when, and what it changes. Pure: no database, broker or clock.

`RULES` is the whole lifecycle. Everything that is not a row of it is refused.

What the table leaves open is decided so:
- Staff may cancel a disputed order; that ends the dispute.
- A dispute resolved to 2 moves `due_at` on by the time it lasted. The confirmation clock starts anew
  with the next `complete_work`; a customer who could no longer cancel still cannot.
- Staff who are a party of an order are only that party there. What staff alone could do at that
  moment is refused to them as forbidden, not as impossible now: a colleague can do it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from kit.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Stale
from kit.text import is_blank
from services.orders.contract import STATUSES, Status
from services.orders.refusals import never_allowed
from services.orders.settings import OrderPeriods

CUSTOMER, PROVIDER, STAFF, SYSTEM = "customer", "provider", "staff", "system"
RECUSED = "recused"  # beside a party's role: a member of staff in their own case; no rule names it
PENDING, APPROVED, WORK_COMPLETED = Status.PENDING, Status.APPROVED, Status.WORK_COMPLETED
COMPLETED, CANCELLED = Status.COMPLETED, Status.CANCELLED

SAME: Literal["same"] = "same"  # the status stays
CHOSEN: Literal["chosen"] = "chosen"  # `to_status` of the request, one of RESOLUTIONS
RESOLUTIONS = (APPROVED, COMPLETED, CANCELLED)


@dataclass(frozen=True)
class OrderState:
    """What the rules read and change. Times are aware UTC.

    `work_completed_at` is the last `complete_work`, None before the first. `confirm_by` and
    `next_reminder_at` are set only while the confirmation clock runs.
    """

    customer_id: str
    provider_id: str
    delivery_days: int
    revisions_allowed: int
    status: Status = PENDING
    payment_status: str = "not_due"
    revisions_used: int = 0
    version: int = 1
    sequence: int = 1
    disputed_at: datetime | None = None
    work_completed_at: datetime | None = None
    due_at: datetime | None = None
    confirm_by: datetime | None = None
    next_reminder_at: datetime | None = None
    reminders_sent: int = 0
    completed_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def disputed(self) -> bool:
        """Whether staff have to decide."""
        return self.disputed_at is not None


def _always(order: OrderState) -> bool:
    return True


def _revisions_are_left(order: OrderState) -> bool:
    return order.revisions_used < order.revisions_allowed


def _work_was_never_completed(order: OrderState) -> bool:
    return order.work_completed_at is None


@dataclass(frozen=True)
class Rule:
    """One row: `who` may take an order by `transition` from one of `origins` to `target`.

    `reason`: whether one must be given. `disputed`: whether the order must be disputed (True), must
    not be (False), or either (None).
    """

    transition: str
    origins: tuple[Status, ...]
    target: Status | Literal["same", "chosen"]
    who: tuple[str, ...]
    reason: bool = False
    condition: Callable[[OrderState], bool] = _always
    disputed: bool | None = False

    def allows(self, order: OrderState, role: str) -> bool:
        """Whether someone in that role may do this now."""
        return (
            role in self.who
            and order.status in self.origins
            and self.disputed in (None, order.disputed)
            and self.condition(order)
        )


# A dispute stops all clocks and everything the parties could do: a row applies to an undisputed
# order only, unless it says otherwise. Staff may cancel a disputed order too, which ends the dispute.
# fmt: off
RULES: tuple[Rule, ...] = (
    #    transition         from                        to              who                   further
    Rule("submit",          (),                         PENDING,        (CUSTOMER,)),
    Rule("approve",         (PENDING,),                 APPROVED,       (PROVIDER,)),
    Rule("decline",         (PENDING,),                 CANCELLED,      (PROVIDER,),          reason=True),
    Rule("withdraw",        (PENDING,),                 CANCELLED,      (CUSTOMER,)),
    Rule("expire",          (PENDING,),                 CANCELLED,      (SYSTEM,)),
    Rule("complete_work",   (APPROVED,),                WORK_COMPLETED, (PROVIDER,)),
    Rule("request_changes", (WORK_COMPLETED,),          APPROVED,       (CUSTOMER,),          reason=True,
         condition=_revisions_are_left),
    Rule("confirm",         (WORK_COMPLETED,),          COMPLETED,      (CUSTOMER,)),
    Rule("auto_confirm",    (WORK_COMPLETED,),          COMPLETED,      (SYSTEM,)),
    Rule("cancel",          (APPROVED, WORK_COMPLETED), CANCELLED,      (PROVIDER,),          reason=True),
    Rule("cancel",          (APPROVED,),                CANCELLED,      (CUSTOMER,),          reason=True,
         condition=_work_was_never_completed),
    Rule("cancel",          (PENDING, APPROVED, WORK_COMPLETED), CANCELLED, (STAFF,),         reason=True,
         disputed=None),
    Rule("open_dispute",    (APPROVED, WORK_COMPLETED), SAME,           (CUSTOMER, PROVIDER), reason=True),
    Rule("resolve_dispute", (APPROVED, WORK_COMPLETED), CHOSEN,         (STAFF,),             reason=True,
         disputed=True),
)
# fmt: on


@dataclass(frozen=True)
class TransitionRequest:
    """A request for a step. A blank reason or note counts as none."""

    transition: str
    reason: str | None = None
    note: str | None = None
    to_status: int | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class Step:
    """A transition that is allowed: what history and event record. `from_status` is None for `submit`."""

    transition: str
    role: str
    from_status: Status | None
    to_status: Status
    reason: str | None = None
    note: str | None = None


def roles_between(customer_id: str, provider_id: str, account_id: str, is_staff: bool) -> tuple[str, ...]:
    """Returns somebody's roles: the party's, RECUSED beside it for staff; none for a stranger."""
    parties = {customer_id: CUSTOMER, provider_id: PROVIDER}
    if account_id in parties:
        return (parties[account_id], RECUSED) if is_staff else (parties[account_id],)
    return (STAFF,) if is_staff else ()


def available_transitions(order: OrderState, roles: tuple[str, ...]) -> list[str]:
    """Returns what somebody with these roles may do now, each once, in the table's order."""
    allowed = (rule.transition for rule in RULES if any(rule.allows(order, role) for role in roles))
    return list(dict.fromkeys(allowed))


def decide(order: OrderState, roles: tuple[str, ...], request: TransitionRequest) -> Step:
    """Returns the step that a request leads to.

    Raises, checked in this order: NotFound for a stranger; Forbidden `not_allowed` when no row
    ever gives the transition to one of the roles, or only staff could take it now and the caller is
    staff in their own case; Stale when `expected_version` is another;
    Conflict `invalid_transition` when it is impossible now; Invalid `reason_required`,
    `to_status_required`, `to_status_invalid` or `to_status_not_allowed`.
    """
    if not roles:
        raise NotFound("There is no such order.")
    rows = [rule for rule in RULES if rule.transition == request.transition]
    _check_own_case(order, roles, rows)
    if not any(set(roles) & set(rule.who) for rule in rows):
        raise never_allowed(request.transition, (role for rule in rows for role in rule.who))
    if request.expected_version not in (None, order.version):
        raise Stale("The order has changed since; read it again.")
    rule, role = _rule_for(order, roles, request.transition)
    _check_fields(rule, request)
    to_status = _target(rule, order, request)
    reason, note = _text(request.reason), _text(request.note)
    return Step(request.transition, role, order.status, to_status, reason, note)


def advance(order: OrderState, step: Step, now: datetime, periods: OrderPeriods) -> OrderState:
    """Returns the order after a step at `now`.

    Every step stops the confirmation clock and ends a dispute, except that `complete_work` starts
    the clock and `open_dispute` a dispute.
    """
    after = _step_taken(order, step, now)
    if step.transition == "approve":
        return replace(after, due_at=now + timedelta(days=order.delivery_days))
    if step.transition == "complete_work":
        return _start_confirmation(after, now, periods)
    if step.transition == "request_changes":
        return replace(after, revisions_used=order.revisions_used + 1)
    if step.transition == "open_dispute":
        return replace(after, disputed_at=now)
    if step.to_status == COMPLETED:
        return replace(after, completed_at=now, payment_status="due")
    if step.to_status == APPROVED and order.due_at and order.disputed_at:
        return replace(after, due_at=order.due_at + (now - order.disputed_at))
    return after


def reminded(order: OrderState, periods: OrderPeriods) -> OrderState:
    """Returns the order after a reminder was sent: the next one, if any, is set. No transition."""
    sent = order.reminders_sent + 1
    return replace(
        order, reminders_sent=sent, next_reminder_at=_reminder_at(order.work_completed_at, sent, periods)
    )


def _step_taken(order: OrderState, step: Step, now: datetime) -> OrderState:
    return replace(
        order,
        status=step.to_status,
        version=order.version + 1,
        sequence=order.sequence + 1,
        disputed_at=None,
        confirm_by=None,
        next_reminder_at=None,
        updated_at=now,
    )


def _start_confirmation(order: OrderState, now: datetime, periods: OrderPeriods) -> OrderState:
    return replace(
        order,
        work_completed_at=now,
        confirm_by=now + periods.confirmation,
        reminders_sent=0,
        next_reminder_at=_reminder_at(now, 0, periods),
    )


def _reminder_at(work_completed_at: datetime | None, sent: int, periods: OrderPeriods) -> datetime | None:
    days = periods.reminders()
    if work_completed_at is None or sent >= len(days):
        return None
    return work_completed_at + timedelta(days=days[sent])


def _check_own_case(order: OrderState, roles: tuple[str, ...], rows: list[Rule]) -> None:
    allowed = {role for rule in rows for role in (*roles, STAFF) if rule.allows(order, role)}
    if RECUSED in roles and allowed == {STAFF}:
        raise Forbidden(f"Staff who are the {roles[0]} of an order act on it as the {roles[0]} only.")


def _rule_for(order: OrderState, roles: tuple[str, ...], transition: str) -> tuple[Rule, str]:
    for role in roles:
        for rule in RULES:
            if rule.transition == transition and rule.allows(order, role):
                return rule, role
    label = next(row["label"] for row in STATUSES if row["code"] == order.status)
    disputed = ", and disputed" if order.disputed else ""
    raise Conflict(
        f"The order is {label}{disputed}: {transition} is not possible now.",
        code="invalid_transition",
        current_status=int(order.status),
        available_transitions=available_transitions(order, roles),
    )


def _check_fields(rule: Rule, request: TransitionRequest) -> None:
    errors: list[FieldError] = []
    if rule.reason and _text(request.reason) is None:
        errors.append(_error("reason", "reason_required", f"Say why: {rule.transition} needs a reason."))
    if rule.target != CHOSEN and request.to_status is not None:
        errors.append(_error("to_status", "to_status_not_allowed", "Only resolve_dispute takes a status."))
    if rule.target == CHOSEN and request.to_status is None:
        errors.append(_error("to_status", "to_status_required", "Choose 2, 4 or 7."))
    if rule.target == CHOSEN and request.to_status not in (None, *RESOLUTIONS):
        errors.append(_error("to_status", "to_status_invalid", "A dispute is resolved to 2, 4 or 7."))
    if errors:
        raise Invalid(errors[0]["detail"], code=errors[0]["code"], errors=errors)


def _error(field: str, code: str, detail: str) -> FieldError:
    return FieldError(field=field, code=code, detail=detail)


def _target(rule: Rule, order: OrderState, request: TransitionRequest) -> Status:
    if rule.target == SAME:
        return order.status
    if rule.target == CHOSEN:
        return next(status for status in RESOLUTIONS if status == request.to_status)
    return rule.target


def _text(text: str | None) -> str | None:
    return text if text and not is_blank(text) else None
