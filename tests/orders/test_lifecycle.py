"""The lifecycle, every status, transition and actor, against the domain's table written out again here."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound, ServiceError, Stale
from services.orders.contract import STATUS_CODES, TRANSITIONS, Status
from services.orders.lifecycle import (
    RULES,
    OrderState,
    TransitionRequest,
    advance,
    available_transitions,
    decide,
    roles_between,
)
from services.orders.rendering import available_to, situation_of
from tests.orders.states import CARL, EARLIER, NOW, PERIODS, PIA, SAM, STEF, full_request, order

ACTORS = ("customer", "provider", "staff", "stranger", "system")

# The domain's table once more, by hand: who, what, and from which status to which.
DOMAIN: dict[tuple[str, str], dict[int, int]] = {
    ("customer", "submit"): {},
    ("customer", "withdraw"): {1: 7},
    ("customer", "request_changes"): {3: 2},
    ("customer", "confirm"): {3: 4},
    ("customer", "cancel"): {2: 7},
    ("customer", "open_dispute"): {2: 2, 3: 3},
    ("provider", "approve"): {1: 2},
    ("provider", "decline"): {1: 7},
    ("provider", "complete_work"): {2: 3},
    ("provider", "cancel"): {2: 7, 3: 7},
    ("provider", "open_dispute"): {2: 2, 3: 3},
    ("staff", "cancel"): {1: 7, 2: 7, 3: 7},
    ("staff", "resolve_dispute"): {2: 4, 3: 4},
    ("system", "expire"): {1: 7},
    ("system", "auto_confirm"): {3: 4},
}
NEEDS_REASON = {"decline", "request_changes", "cancel", "open_dispute", "resolve_dispute"}


def variants(status: int) -> Iterator[OrderState]:
    """Every order that can stand at a status, as far as the rules care."""
    disputes = (None, EARLIER) if status in (2, 3) else (None,)
    completions = {1: (None,), 2: (None, EARLIER), 3: (EARLIER,), 4: (None, EARLIER), 7: (None, EARLIER)}
    for disputed_at, work_completed_at in itertools.product(disputes, completions[status]):
        for used in (0, 1):
            yield order(
                status, disputed_at=disputed_at, work_completed_at=work_completed_at, revisions_used=used
            )


def roles_of(actor: str, state: OrderState) -> tuple[str, ...]:
    if actor == "system":
        return ("system",)
    person = {"customer": CARL, "provider": PIA, "staff": STEF, "stranger": SAM}[actor]
    return roles_between(state.customer_id, state.provider_id, person, is_staff=actor == "staff")


def domain_says(state: OrderState, transition: str, actor: str) -> type[ServiceError] | int:
    if actor == "stranger":
        return NotFound
    if (actor, transition) not in DOMAIN:
        return Forbidden
    target = DOMAIN[actor, transition].get(state.status)
    only_undisputed = (actor, transition) not in {("staff", "cancel"), ("staff", "resolve_dispute")}
    impossible = (
        target is None
        or (only_undisputed and state.disputed)
        or (transition == "resolve_dispute" and not state.disputed)
        or (transition == "request_changes" and state.revisions_used >= 1)
        or (transition == "cancel" and actor == "customer" and state.work_completed_at is not None)
    )
    return Conflict if impossible or target is None else target


def outcome(state: OrderState, transition: str, actor: str) -> type[ServiceError] | int:
    try:
        return int(decide(state, roles_of(actor, state), full_request(transition)).to_status)
    except ServiceError as error:
        return type(error)


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("status", STATUS_CODES)
def test_the_rules_say_what_the_domain_says(status: int, transition: str, actor: str) -> None:
    for state in variants(status):
        assert outcome(state, transition, actor) == domain_says(state, transition, actor), state


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("status", STATUS_CODES)
def test_what_is_available_is_exactly_what_would_be_allowed(status: int, actor: str) -> None:
    for state in variants(status):
        allowed = [t for t in TRANSITIONS if isinstance(domain_says(state, t, actor), int)]
        assert available_transitions(state, roles_of(actor, state)) == allowed, state


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("status", STATUS_CODES)
def test_what_an_order_shows_as_available_is_what_the_rules_allow(status: int, actor: str) -> None:
    for state in variants(status):
        roles = roles_of(actor, state)
        assert list(available_to(situation_of(asdict(state)), roles)) == available_transitions(state, roles)


@pytest.mark.parametrize(("actor", "transition"), DOMAIN)
def test_a_reason_is_required_exactly_where_the_domain_says(actor: str, transition: str) -> None:
    for state in (s for status in STATUS_CODES for s in variants(status)):
        if not isinstance(domain_says(state, transition, actor), int):
            continue
        for reason in (None, "", " \n\t", "\u2060\u200b "):
            request = full_request(transition, reason=reason)
            if transition in NEEDS_REASON:
                with pytest.raises(Invalid) as refused:
                    decide(state, roles_of(actor, state), request)
                assert refused.value.code == "reason_required"
                assert refused.value.data["errors"][0]["field"] == "reason"
            else:
                assert decide(state, roles_of(actor, state), request).reason is None


def test_every_status_and_transition_of_the_domain_is_there_and_no_other() -> None:
    assert tuple(int(status) for status in Status) == STATUS_CODES == (1, 2, 3, 4, 7)
    assert {rule.transition for rule in RULES} == set(TRANSITIONS)
    assert {transition for _, transition in DOMAIN} == set(TRANSITIONS)


def test_nothing_leaves_a_final_status() -> None:
    for status, actor in itertools.product((4, 7), ACTORS):
        for state in variants(status):
            assert available_transitions(state, roles_of(actor, state)) == []


def test_a_stranger_learns_nothing_whatever_else_is_wrong() -> None:
    with pytest.raises(NotFound):
        decide(order(4), (), TransitionRequest("approve", expected_version=99))


def test_a_right_never_held_is_told_before_a_stale_version() -> None:
    with pytest.raises(Forbidden) as refused:
        decide(order(4), ("customer",), TransitionRequest("approve", expected_version=99))
    assert refused.value.code == "not_allowed"


def test_a_stale_version_is_told_before_an_impossible_transition() -> None:
    with pytest.raises(Stale):
        decide(order(4), ("provider",), TransitionRequest("approve", expected_version=99))


def test_an_impossible_transition_is_told_before_a_missing_reason() -> None:
    with pytest.raises(Conflict) as refused:
        decide(order(2), ("provider",), TransitionRequest("decline", expected_version=1))
    assert refused.value.code == "invalid_transition"
    assert refused.value.data == {
        "current_status": 2,
        "available_transitions": ["complete_work", "cancel", "open_dispute"],
    }


def test_the_expected_version_is_honoured_and_may_be_left_out() -> None:
    for expected_version in (None, 5):
        step = decide(
            order(1, version=5),
            ("provider",),
            TransitionRequest("approve", expected_version=expected_version),
        )
        assert step.to_status == 2


@pytest.mark.parametrize("status", [2, 3])
@pytest.mark.parametrize("to_status", [2, 4, 7])
def test_staff_resolve_a_dispute_to_2_4_or_7(status: int, to_status: int) -> None:
    disputed = order(status, disputed_at=EARLIER, work_completed_at=EARLIER)
    step = decide(disputed, ("staff",), full_request("resolve_dispute", to_status=to_status))
    after = advance(disputed, step, NOW, PERIODS)
    assert (after.status, after.disputed) == (to_status, False)


@pytest.mark.parametrize(
    ("to_status", "code"),
    [
        (None, "to_status_required"),
        (1, "to_status_invalid"),
        (3, "to_status_invalid"),
        (5, "to_status_invalid"),
    ],
)
def test_a_dispute_is_resolved_to_nothing_else(to_status: int | None, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        decide(
            order(2, disputed_at=EARLIER), ("staff",), full_request("resolve_dispute", to_status=to_status)
        )
    assert refused.value.code == code
    assert refused.value.data["errors"][0]["field"] == "to_status"


def test_a_resolution_without_anything_names_both_missing_fields() -> None:
    with pytest.raises(Invalid) as refused:
        decide(order(2, disputed_at=EARLIER), ("staff",), TransitionRequest("resolve_dispute"))
    assert refused.value.code == "reason_required"
    assert [error["field"] for error in refused.value.data["errors"]] == ["reason", "to_status"]


def test_no_other_transition_takes_a_status() -> None:
    with pytest.raises(Invalid) as refused:
        decide(order(1), ("provider",), TransitionRequest("approve", to_status=2))
    assert refused.value.code == "to_status_not_allowed"


@pytest.mark.parametrize("status", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("person", "party"), [(CARL, "customer"), (PIA, "provider")])
def test_staff_who_are_a_party_are_only_that_party(person: str, party: str, status: int) -> None:
    for state in variants(status):
        own_case = roles_between(state.customer_id, state.provider_id, person, is_staff=True)
        assert available_transitions(state, own_case) == available_transitions(state, (party,))
        for transition in sorted({transition for _, transition in DOMAIN}):
            allowed_to_staff = transition in available_transitions(state, ("staff",))
            allowed_to_party = transition in available_transitions(state, (party,))
            if allowed_to_staff and not allowed_to_party:
                with pytest.raises(Forbidden, match="act on it as the"):
                    decide(state, own_case, full_request(transition))
            else:
                assert decision(state, own_case, transition) == decision(state, (party,), transition)


def decision(state: OrderState, roles: tuple[str, ...], transition: str) -> object:
    try:
        return decide(state, roles, full_request(transition))
    except ServiceError as error:
        return type(error), error.detail


def test_a_step_keeps_what_was_said_as_it_was_typed() -> None:
    step = decide(order(2), ("provider",), TransitionRequest("complete_work", note="  Done.\n", reason="  "))
    assert (step.note, step.reason) == ("  Done.\n", None)
