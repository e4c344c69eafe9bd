"""The demo's stories are many, varied, possible under the rules, and the same every time."""

from collections import Counter

import pytest

from cli.demo.offers import Offer, offers
from cli.demo.people import EVERYBODY, PASSWORD
from cli.demo.stories import CUSTOMER, MESSAGE, PAY, PROVIDER, REFUND, REPLY, REVIEW, STAFF, Story, stories
from services.accounts.contract import RegisterAccountBody
from services.accounts.credentials.passwords import is_common
from services.catalog.contract import PostServiceBody
from services.orders.contract import SubmitOrderBody
from services.orders.lifecycle import RULES

LEAST_PROVIDERS, LEAST_SERVICES, LEAST_ORDERS = 12, 40, 120
STATUSES = {1, 2, 3, 4, 7}


@pytest.fixture(scope="module")
def offered() -> list[Offer]:
    return offers()


@pytest.fixture(scope="module")
def told(offered: list[Offer]) -> list[Story]:
    return stories(offered)


def test_there_is_enough_of_everything(offered: list[Offer], told: list[Story]) -> None:
    assert len({offer.provider for offer in offered}) >= LEAST_PROVIDERS
    assert len(offered) >= LEAST_SERVICES
    assert len(told) >= LEAST_ORDERS
    assert {story.status for story in told} == STATUSES
    assert min(Counter(story.status for story in told).values()) >= 10


def test_they_are_the_same_every_time(offered: list[Offer], told: list[Story]) -> None:
    assert stories(offered) == told


def test_each_order_can_be_recognised(told: list[Story]) -> None:
    assert len({(story.customer, story.requirements) for story in told}) == len(told)


def test_titles_and_handles_are_unique(offered: list[Offer]) -> None:
    assert len({offer.title for offer in offered}) == len(offered)
    assert len({person.handle for person in EVERYBODY}) == len(EVERYBODY)


def test_nobody_orders_from_themselves(told: list[Story]) -> None:
    assert all(story.customer != story.offer.provider for story in told)


def test_every_way_out_of_an_order_occurs(told: list[Story]) -> None:
    happened = Counter(step.what for story in told for step in story.steps)
    by_people = {rule.transition for rule in RULES if set(rule.who) != {"system"}} - {"submit"}
    assert by_people <= set(happened)
    assert happened[MESSAGE] > 100
    assert happened[REVIEW] > 30
    assert happened[REPLY] > 15
    assert {step.stars for story in told for step in story.steps if step.what == REVIEW} == {1, 2, 3, 4, 5}


def test_reviews_follow_completion_and_replies_follow_reviews(told: list[Story]) -> None:
    for story in told:
        order = [step.what for step in story.steps]
        if REVIEW in order:
            assert order.index("confirm") < order.index(REVIEW)
        if REPLY in order:
            assert order.index(REVIEW) < order.index(REPLY)


def test_completed_orders_are_paid_some_after_a_refusal_and_some_given_back(told: list[Story]) -> None:
    paid = [story for story in told if any(step.what == PAY for step in story.steps)]
    assert len(paid) > 30 and all(story.status == 4 for story in paid)
    assert len([story for story in told if story.status == 4]) > len(paid), "some are still due"
    methods = Counter(step.text for story in paid for step in story.steps if step.what == PAY)
    assert methods["sandbox_ok"] == len(paid) and methods["sandbox_declined"] >= 1
    assert sum(step.what == REFUND for story in paid for step in story.steps) >= 1


def test_changes_are_asked_only_where_the_service_offers_them(told: list[Story]) -> None:
    for story in told:
        asked = sum(step.what == "request_changes" for step in story.steps)
        assert asked <= story.offer.revisions


def test_no_placeholder_is_left_in_what_people_say(told: list[Story]) -> None:
    said = [step.text or "" for story in told for step in story.steps]
    assert not any("{" in text or "}" in text for text in [*said, *(s.requirements for s in told)])


def test_everybody_speaks_only_in_their_own_role(told: list[Story]) -> None:
    assert {step.who for story in told for step in story.steps} == {CUSTOMER, PROVIDER, STAFF}
    assert all(step.what == "resolve_dispute" for story in told for step in story.steps if step.who == STAFF)


def test_everything_fits_the_contract(offered: list[Offer], told: list[Story]) -> None:
    for person in EVERYBODY:
        RegisterAccountBody().load(
            {"email": person.email, "password": PASSWORD, "display_name": person.display_name}
        )
    for offer in offered:
        PostServiceBody().load(
            {
                "title": offer.title,
                "description": offer.description,
                "category": offer.category,
                "price": dict(offer.price),
                "delivery_days": offer.delivery_days,
                "revisions": offer.revisions,
            }
        )
    service_id = "0198a1b2-0000-7000-8000-000000000000"
    for story in told:
        SubmitOrderBody().load({"service_id": service_id, "requirements": story.requirements})


def test_the_demo_password_passes_the_rule() -> None:
    assert not is_common(PASSWORD)
