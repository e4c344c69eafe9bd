import pytest

from kit.errors import Forbidden
from services.orders.contract import TRANSITIONS
from services.orders.lifecycle import RULES, decide
from services.orders.refusals import never_allowed
from tests.orders.states import full_request, order


@pytest.mark.parametrize(
    ("transition", "roles", "text"),
    [
        ("approve", ["provider"], "Only the provider may approve an order."),
        ("resolve_dispute", ["staff"], "Only staff may resolve a dispute about an order."),
        ("confirm", ["customer", "provider"], "Only the customer or the provider may confirm an order."),
        (
            "cancel",
            ["provider", "customer", "staff"],
            "Only the provider, the customer or staff may cancel an order.",
        ),
    ],
)
def test_a_refusal_names_who_may_take_the_step(transition: str, roles: list[str], text: str) -> None:
    refusal = never_allowed(transition, roles)
    assert (refusal.code, refusal.detail) == ("not_allowed", text)


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_every_transition_has_a_sentence_with_everybody_who_may_take_it(transition: str) -> None:
    allowed = {role for rule in RULES if rule.transition == transition for role in rule.who}
    refused = next(role for role in ("system", "customer", "provider") if role not in allowed)
    with pytest.raises(Forbidden) as raised:
        decide(order(1), (refused,), full_request(transition))
    assert raised.value.detail.startswith("Only ")
    assert all(role in raised.value.detail for role in allowed)
