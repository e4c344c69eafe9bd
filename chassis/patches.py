"""Private parts of libraries that chassis changes, each with the reason; no other module touches any."""

from typing import Any

import structlog
from amqp import method_framing
from amqp.basic_message import Message

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
