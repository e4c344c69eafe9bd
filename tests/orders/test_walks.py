"""Random walks through the lifecycle: whatever people try in whatever order, what must hold holds."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import ServiceError
from services.orders.contract import TRANSITIONS, Status
from services.orders.lifecycle import OrderState, TransitionRequest, advance, available_transitions, decide
from tests.orders.market import Market
from tests.orders.states import CARL, NOW, PERIODS, PIA

ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(("customer", "provider", "staff", "system")),
        st.sampled_from(TRANSITIONS),
        st.sampled_from((None, 2, 4, 7)),
    ),
    max_size=40,
)
FINAL = (Status.COMPLETED, Status.CANCELLED)


def assert_consistent(order: OrderState) -> None:
    """What the database's constraints say, said again for the rules alone."""
    assert (order.confirm_by is not None) == (order.status == 3 and not order.disputed)
    assert order.next_reminder_at is None or order.confirm_by is not None
    assert (order.completed_at is not None) == (order.payment_status == "due") == (order.status == 4)
    assert not order.disputed or order.status in (2, 3)
    assert 0 <= order.revisions_used <= order.revisions_allowed
    assert (order.due_at is not None) or order.status in (1, 7)
    assert order.version == order.sequence


@given(ATTEMPTS, st.integers(0, 3))
def test_the_rules_never_reach_a_state_that_contradicts_itself(
    attempts: list[tuple[str, str, int | None]], revisions: int
) -> None:
    order = OrderState(CARL, PIA, 3, revisions)
    for hours, (role, transition, to_status) in enumerate(attempts):
        try:
            step = decide(
                order, (role,), TransitionRequest(transition, reason="Because.", to_status=to_status)
            )
        except ServiceError:
            continue
        assert transition in available_transitions(order, (role,))
        assert order.status not in FINAL
        after = advance(order, step, NOW + timedelta(hours=hours), PERIODS)
        assert (step.from_status, step.to_status) == (order.status, after.status)
        assert after.sequence == order.sequence + 1
        assert_consistent(after)
        order = after


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=ATTEMPTS)
def test_the_service_tells_the_same_story_as_the_rules(
    market: Market, attempts: list[tuple[str, str, int | None]]
) -> None:
    order, taken = market.submit(), ["submit"]
    for role, transition, to_status in attempts:
        if role == "system":
            continue
        promised = transition in market.get(order, role)["available_transitions"]
        try:
            order = market.take(order, transition, role, reason="Because.", to_status=to_status)
        except ServiceError:
            assert not promised or (transition == "resolve_dispute") == (to_status is None)
        else:
            assert promised
            taken.append(transition)
    for told in (market.history(order), market.events(order)):
        assert [line["transition"] for line in told] == taken
        assert [line["sequence"] for line in told] == list(range(1, len(taken) + 1))
    assert market.get(order)["version"] == len(taken)
