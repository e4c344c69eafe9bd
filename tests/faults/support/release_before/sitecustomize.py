"""On PYTHONPATH, makes a service publish as the releases before 0.2 did: with the type of an event alone."""

from typing import Any

from chassis.runtime.green import go_green


def _publish_by_type_alone() -> None:
    go_green("")  # before all else, as the process itself would
    from kit.contracts import Event

    def routing_key(event: Event, _body: Any) -> str:
        return event.type

    Event.routing_key = routing_key  # type: ignore[method-assign, assignment]


_publish_by_type_alone()
