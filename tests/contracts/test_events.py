"""Events outlive the code that wrote them: their queues' names and old messages are frozen."""

import functools
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from marshmallow import validate

from chassis.amqp import topology
from kit.contracts import EVERY, Event
from kit.settings import Settings
from tests.contracts.test_rpc import service_class
from tests.support import codebase

HERE = Path(__file__).parent
EVENTS = {event.type: event for event in codebase.events()}


@functools.cache
def handlers(service: str) -> dict[str, Event]:
    """The handlers of a service, by method name, and the event each is for."""
    return {
        name: entrypoint.contract
        for name, method in inspect.getmembers(service_class(service), inspect.isfunction)
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(getattr(entrypoint, "contract", None), Event)
    }


def samples() -> list[tuple[Event, dict[str, Any]]]:
    """Every frozen message."""
    found = []
    for path in sorted(HERE.glob("samples/*.json")):
        event = EVENTS[path.stem]
        found += [(event, message) for message in json.loads(path.read_text())]
    return found


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_each_consumer_that_an_event_names_has_its_handler(event: Event) -> None:
    for consumer in event.consumers:
        assert handlers(consumer).get(event.handler) == event, f"{consumer} misses {event.handler}"


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_service_handles_only_events_that_name_it_as_a_consumer(service: str) -> None:
    for name, event in handlers(service).items():
        assert service in event.consumers, f"{service}.{name} would never be called"


def test_an_event_nobody_would_hear_is_not_declared() -> None:
    assert all(event.consumers or event.live for event in EVENTS.values())


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_outcome_is_a_word_that_a_required_field_takes(event: Event) -> None:
    if event.outcome is None:
        assert isinstance(event.consumers, tuple)
        return
    field = event.schema().fields[event.outcome]
    known = {value for rule in field.validators if isinstance(rule, validate.OneOf) for value in rule.choices}
    assert field.required and known, "whoever chooses outcomes must know all of them"
    assert all(re.fullmatch("[a-z0-9_]+", f"{value}") for value in known)
    for consumer in event.consumers:
        outcomes = event.outcomes_of(consumer)
        assert outcomes == EVERY or set(outcomes) < known


def test_a_type_has_no_dot_because_an_outcome_follows_one() -> None:
    assert all(re.fullmatch("[a-z_]+", type_) for type_ in EVENTS)


def test_queue_names_are_frozen_because_a_renamed_queue_strands_its_messages() -> None:
    frozen = (HERE / "queue_names.txt").read_text().split()
    settings = Settings(broker_prefix="")
    assert sorted(topology.queue_names(settings, codebase.SERVICES, EVENTS.values())) == sorted(frozen)


def test_every_event_has_frozen_samples() -> None:
    assert {event.type for event, _message in samples()} == set(EVENTS)


@pytest.mark.parametrize(("event", "message"), samples(), ids=lambda value: getattr(value, "type", ""))
def test_a_message_written_by_older_code_still_loads_unchanged(event: Event, message: dict[str, Any]) -> None:
    assert message["version"] == event.version, "an older version needs its own loader before it may go"
    assert event.load(message) == message


def _with_fields_of_tomorrow(value: Any) -> Any:
    if isinstance(value, dict):
        grown = {name: _with_fields_of_tomorrow(part) for name, part in value.items()}
        return {**grown, "a_field_of_tomorrow": [1]}
    return [_with_fields_of_tomorrow(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("event", "message"), samples(), ids=lambda value: getattr(value, "type", ""))
def test_a_message_written_by_newer_code_loads_too(event: Event, message: dict[str, Any]) -> None:
    newer = _with_fields_of_tomorrow(message)
    assert event.load(newer) == message


@pytest.mark.parametrize(("event", "message"), samples(), ids=lambda value: getattr(value, "type", ""))
def test_a_sample_shows_every_field_an_event_must_have(event: Event, message: dict[str, Any]) -> None:
    required = {name for name, field in event.schema().fields.items() if field.required}
    assert required <= set(message)
    for name in required:
        broken = {key: value for key, value in message.items() if key != name}
        assert event.schema().validate(broken), f"{event.type} loads without {name}"
