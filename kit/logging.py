"""Structured logs on standard output, without secrets."""

import logging as stdlib_logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from kit.text import printable

_SECRET_KEYS = re.compile(r"password|token|secret|authorization|signing_key", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?P<url>\w+://[^:/\s]+:)[^@\s]+@|(?P<jwt>eyJ[\w-]+\.[\w-]+\.)[\w-]+", re.ASCII)


def configure(level: str = "INFO", style: str = "json") -> None:
    """Sends structlog's and the standard library's records through one formatter."""
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(style)]
    handler = stdlib_logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = stdlib_logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for verbose in ("nameko", "amqp", "kombu", "aio_pika", "aiormq", "aiohttp.access", "alembic"):
        stdlib_logging.getLogger(verbose).setLevel("WARNING")
    # A failed call is logged once, by the chassis, with its request id.
    stdlib_logging.getLogger("nameko.containers").setLevel("CRITICAL")


def _shared_processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]


def _rendering(style: str) -> list[Any]:
    if style == "console":
        return [show_escapes, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    return [structlog.processors.JSONRenderer()]  # all ASCII


def show_escapes(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escapes control characters in every value; tracebacks keep their line breaks."""
    for key, value in record.items():
        if isinstance(value, str):
            record[key] = printable(value, lines=key == "exception")
        elif (written := repr(value)) != printable(written):
            record[key] = printable(written)
    return record


def redact(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redacts values of secret-looking keys, passwords in URLs and signatures of tokens."""
    for key, value in record.items():
        if isinstance(value, str):
            secret = _SECRET_KEYS.search(key) is not None
            record[key] = "[redacted]" if secret else _SECRET_TEXT.sub(_redacted, value)
    return record


def _redacted(match: re.Match[str]) -> str:
    return f"{match['url']}***@" if match["url"] else f"{match['jwt']}***"
