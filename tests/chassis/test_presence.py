from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from chassis.amqp import availability as presence
from chassis.amqp.availability import Presence
from kit.errors import Unavailable
from kit.settings import Settings


def test_two_callers_may_find_the_same_service_present_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Presence(Settings())

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
                known.look("catalog")
            return SimpleNamespace(consumer_count=1)

    asked: list[str] = []
    monkeypatch.setattr(presence, "Connection", Broker)
    known.look("catalog")
    known.refuse_if_absent("catalog")
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


def test_a_look_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "Connection", Counting)
    known = Presence(Settings())
    Counting.answers = [OSError("slow"), 0, OSError("slow"), 1]
    known.look("catalog")
    known.refuse_if_absent("catalog")
    for _ in range(2):
        known.look("catalog")
        with pytest.raises(Unavailable):
            known.refuse_if_absent("catalog")
    known.look("catalog")
    known.refuse_if_absent("catalog")
