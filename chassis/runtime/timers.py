"""Timers: methods that run periodically on each replica of a service."""

import random
from collections.abc import Callable
from typing import Any, TypeVar

import eventlet
import structlog
from nameko.extensions import Entrypoint, register_entrypoint

from chassis.runtime.context import context_of
from kit.settings import Settings

log = structlog.get_logger(__name__)
Method = TypeVar("Method", bound=Callable[..., Any])


def every(interval: Callable[[Settings], float]) -> Callable[[Method], Method]:
    """Runs a method `interval(settings)` seconds after its last run ended, with a jitter of a tenth.

    Replicas run it concurrently, so it must lock the rows that it works on (`SKIP LOCKED`).
    """

    def register(method: Method) -> Method:
        register_entrypoint(method, TimerEntrypoint(interval))
        return method

    return register


class TimerEntrypoint(Entrypoint):  # type: ignore[misc]
    """One timer."""

    def __init__(self, interval: Callable[[Settings], float], **options: Any) -> None:
        super().__init__(**options)
        self._interval = interval
        self._stopping = False

    def start(self) -> None:
        """Starts the timer."""
        self.container.spawn_managed_thread(self._run, identifier=f"timer {self.method_name}")

    def stop(self) -> None:
        """Starts no further run; one in progress is finished."""
        self._stopping = True

    def _run(self) -> None:
        seconds = self._interval(self.container.config["settings"])
        while True:
            eventlet.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311
            if self._stopping:
                return
            done = eventlet.event.Event()
            call = context_of(self.container).call_from({})
            self.container.spawn_worker(
                self, (), {}, context_data={"call": call}, handle_result=self._settled(done)
            )
            done.wait()

    def _settled(self, done: Any) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
        def settle(_worker: Any, result: Any, failure: Any) -> tuple[Any, Any]:
            if failure is not None:
                log.error("timer_failed", timer=self.method_name, error=str(failure[1]), exc_info=failure)
            done.send()
            return result, None

        return settle
