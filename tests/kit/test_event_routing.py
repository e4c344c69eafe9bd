from kit.contracts import EVERY, Event, EventSchema, event_type_of

PLAIN = Event("shop", "thing_sold", EventSchema, consumers=("books",))
ROUTED = Event(
    "shop",
    "parcel_moved",
    EventSchema,
    outcome="stage",
    consumers={"books": EVERY, "letters": ("lost", 4)},
)


def test_an_event_without_an_outcome_goes_to_every_consumer_by_its_type() -> None:
    assert PLAIN.routing_key({"stage": "lost"}) == "thing_sold"
    assert PLAIN.binding_keys(PLAIN.outcomes_of("books")) == ("thing_sold",)
    assert PLAIN.is_for("books", {})


def test_the_outcome_ends_the_routing_key() -> None:
    assert ROUTED.routing_key({"stage": "lost"}) == "parcel_moved.lost"
    assert ROUTED.routing_key({"stage": 4}) == "parcel_moved.4"
    assert event_type_of("parcel_moved.lost") == event_type_of("parcel_moved") == "parcel_moved"


def test_a_consumer_gets_the_outcomes_that_it_acts_on() -> None:
    assert ROUTED.binding_keys(ROUTED.outcomes_of("letters")) == (
        "parcel_moved",
        "parcel_moved.lost",
        "parcel_moved.4",
    )
    assert ROUTED.binding_keys(ROUTED.outcomes_of("books")) == ("parcel_moved", "parcel_moved.*")
    reached = {stage: [c for c in ROUTED.consumers if ROUTED.is_for(c, {"stage": stage})] for stage in (4, 5)}
    assert reached == {4: ["books", "letters"], 5: ["books"]}


def test_a_body_without_its_outcome_reaches_every_consumer() -> None:
    assert ROUTED.routing_key({}) == "parcel_moved"
    assert all(ROUTED.is_for(consumer, {}) for consumer in ROUTED.consumers)
