"""Private parts of libraries that chassis changes, each with the reason; no other module touches any."""

import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

import structlog
from amqp import method_framing
from amqp.basic_message import Message
from nameko.containers import ServiceContainer
from nameko.extensions import DependencyProvider

log = structlog.get_logger(__name__)


class ReadableMessage(Message):  # type: ignore[misc]
    """A message whose properties cannot be read counts as one without any.

    py-amqp 5.3 lets the error leave `_load_properties` in the middle of the frames, which ends every
    connection that is given the message, again and again.
    """

    def _load_properties(self, class_id: int, buffer: Any, offset: int) -> int:
        try:
            return int(super()._load_properties(class_id, buffer, offset))
        except Exception as error:  # whatever the properties hold
            log.error("message_properties_unreadable", error=str(error))
            self.properties: dict[str, Any] = {}
            return offset


def accept_unreadable_properties() -> None:
    """Makes py-amqp build `ReadableMessage`; it offers no option for the class of its messages."""
    method_framing.Message = ReadableMessage


def unread_bytes(transport: Any) -> bytes:
    """What py-amqp's transport has received and not read: the beginning of a frame."""
    unread: bytes = transport._read_buffer
    return unread


def keep_unread(transport: Any, data: bytes) -> None:
    """Leaves the beginning of a frame to the next reader, py-amqp or `SocketWire`, which read in turns.

    py-amqp 5.4 takes three reads from the socket for every frame, nine for every message.
    """
    transport._read_buffer = data


class LeanContainer(ServiceContainer):  # type: ignore[misc]
    """Nameko's container; a worker does what it did, without its debug log.

    Nameko 2.14 writes eleven debug lines for every call, with a new id for each, and asks all
    dependencies three times for what few of them do: together a tenth of what a read costs.
    """

    @cached_property
    def _steps(self) -> dict[str, list[Callable[..., None]]]:
        """The methods that dependencies override, by their name."""
        return {
            name: [
                getattr(provider, name)
                for provider in self.dependencies
                if getattr(type(provider), name) is not getattr(DependencyProvider, name)
            ]
            for name in ("worker_setup", "worker_result", "worker_teardown")
        }

    def _run_worker(self, worker_ctx: Any, handle_result: Any) -> None:
        self._inject_dependencies(worker_ctx)
        for set_up in self._steps["worker_setup"]:
            set_up(worker_ctx)
        result = failure = None
        method = getattr(worker_ctx.service, worker_ctx.entrypoint.method_name)
        try:
            result = method(*worker_ctx.args, **worker_ctx.kwargs)
        except Exception:
            failure = sys.exc_info()
        if handle_result is not None:
            result, failure = handle_result(worker_ctx, result, failure)
        for tell in self._steps["worker_result"]:
            tell(worker_ctx, result, failure)
        del failure  # it refers to this frame
        for tear_down in self._steps["worker_teardown"]:
            tear_down(worker_ctx)
