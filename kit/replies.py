"""Addresses of RPC replies: a caller accepts a reply only from the service that it called.

A caller asks each service to reply under a routing key that names that service. The broker allows a
service to publish replies under its own name only (`cli/broker_rights.py`), and the routing key of a
message does not change in transit, except when it is dead-lettered, which a header shows.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from kit import metrics

DEAD_LETTERED = "x-death"  # RabbitMQ adds this header; a publisher cannot keep it from being added


def new_call_id() -> str:
    """Returns an unguessable correlation id: 128 random bits."""
    return secrets.token_hex(16)


def reply_address(service: str, caller: str) -> str:
    """Returns the routing key of a service's replies to one caller, a word that names its process."""
    return f"reply.{service}.{caller}"


def reply_binding(caller: str) -> str:
    """Returns the binding key of a caller's queue: the replies of every service to it."""
    return f"reply.*.{caller}"


def reply_pattern(service: str) -> str:
    """Returns a regular expression of the routing keys that a service may reply to.

    Besides its own these are keys of one word, as Nameko's own clients use them, and `reply.` with
    one word, as callers of earlier releases use them. No caller of this release uses either.
    """
    return rf"(?:reply\.{service}\.[^.]+|(?:reply\.)?[^.]+)"


def may_reply_to(service: str, address: object) -> bool:
    """Whether a service may reply to the address in a call.

    The broker would refuse any other and close the channel, which other calls share.
    """
    return isinstance(address, str) and re.fullmatch(reply_pattern(service), address) is not None


def is_dead_lettered(headers: Mapping[str, Any] | None) -> bool:
    """Whether the broker rerouted a message, under a key that its publisher could choose."""
    return DEAD_LETTERED in (headers or {})


def is_from_called_service(address: str, routing_key: str, headers: Mapping[str, Any] | None) -> bool:
    """Whether a message is the expected reply to `address`; counts one that is not."""
    if is_dead_lettered(headers):
        reason = "dead_lettered"
    elif routing_key != address:
        reason = "wrong_service"
    else:
        return True
    metrics.RPC_REPLIES_REFUSED.labels(reason).inc()
    return False
