"""Whose a reply is: a caller takes it only from the service that it called.

A caller asks each service for a reply under a routing key that names that service. The broker lets
a service publish replies under its own name only (`cli/broker_rights.py`), and the key a message
was published with cannot change on its way, except when it is dead-lettered, which a header shows.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from kit import metrics

DEAD_LETTERED = "x-death"  # RabbitMQ adds this header; a publisher cannot keep it from being added


def new_call_id() -> str:
    """A correlation id that nobody can guess: 128 random bits."""
    return secrets.token_hex(16)


def reply_address(service: str, caller: str) -> str:
    """The routing key of a service's replies to one caller; `caller` is one word, the process's own."""
    return f"reply.{service}.{caller}"


def reply_binding(caller: str) -> str:
    """What a caller binds its queue to: the replies of every service to it."""
    return f"reply.*.{caller}"


def reply_pattern(service: str) -> str:
    """The routing keys a service may reply to, as a regular expression that matches whole keys.

    Besides its own these are keys of one word, as Nameko's own clients have them, and `reply.` with
    one word, as callers of before this rule have them. No caller of today listens to either.
    """
    return rf"(?:reply\.{service}\.[^.]+|(?:reply\.)?[^.]+)"


def may_reply_to(service: str, address: object) -> bool:
    """Whether a service may reply where a call asks it to.

    The broker would refuse anything else, and close the channel that the other calls share.
    """
    return isinstance(address, str) and re.fullmatch(reply_pattern(service), address) is not None


def is_dead_lettered(headers: Mapping[str, Any] | None) -> bool:
    """Whether the broker routed a message anew, under a key that its publisher chose for it."""
    return DEAD_LETTERED in (headers or {})


def is_from_the_called(address: str, routing_key: str, headers: Mapping[str, Any] | None) -> bool:
    """Whether a message is the reply asked for at `address`; one that is not is counted."""
    if is_dead_lettered(headers):
        reason = "dead_lettered"
    elif routing_key != address:
        reason = "wrong_service"
    else:
        return True
    metrics.RPC_REPLIES_REFUSED.labels(reason).inc()
    return False
