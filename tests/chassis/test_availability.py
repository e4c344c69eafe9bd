from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from chassis.amqp import availability
from chassis.amqp.availability import ServiceAvailability
from kit.errors import Unavailable
from kit.settings import Settings


def test_two_callers_may_find_the_same_service_present_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    services = ServiceAvailability(Settings())

    class Broker:
        """While the first caller asks, the second asks and is answered."""

        def __init__(self, *_: Any, **__: Any) -> None: ...

        def __enter__(self) -> "Broker":
            return self

        def __exit__(self, *_: object) -> None: ...

        def channel(self) -> Any:
            return SimpleNamespace(queue_declare=self.declare)

        def declare(self, *_: Any, **__: Any) -> Any:
            if not asked:
                asked.append("by the second")
                services.probe("catalog")
            return SimpleNamespace(consumer_count=1)

    asked: list[str] = []
    monkeypatch.setattr(availability, "Connection", Broker)
    services.probe("catalog")
    services.raise_if_unavailable("catalog")
    assert asked


class Counting:
    """A broker that counts consumers, or fails."""

    answers: ClassVar[list[int | Exception]]

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "Counting":
        return self

    def __exit__(self, *_: object) -> None: ...

    def channel(self) -> Any:
        return SimpleNamespace(queue_declare=self.declare)

    def declare(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(consumer_count=answer)


def test_a_probe_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "Connection", Counting)
    services = ServiceAvailability(Settings())
    Counting.answers = [OSError("slow"), 0, OSError("slow"), 1]
    services.probe("catalog")
    services.raise_if_unavailable("catalog")
    for _ in range(2):
        services.probe("catalog")
        with pytest.raises(Unavailable):
            services.raise_if_unavailable("catalog")
    services.probe("catalog")
    services.raise_if_unavailable("catalog")
