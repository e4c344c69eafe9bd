"""Runs one service in one process: start, readiness, drain on SIGTERM, metrics port.

The process must be green (`eventlet.monkey_patch()`) before this module is imported.
"""

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import structlog
from eventlet import wsgi
from eventlet.hubs import trampoline
from nameko.containers import ServiceContainer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.patches import LeanContainer
from chassis.runtime import failpoints
from kit import logging
from kit.contracts import Event
from kit.settings import Settings

log = structlog.get_logger(__name__)

# Prefetch bounds concurrent work; the worker pool must never block a loop that reads from the broker.
UNBOUNDED_WORKERS = 1000


def make_container(
    service_class: type[Any],
    settings: Settings,
    events: Iterable[Event],
    overrides: dict[type, Any] | None = None,
) -> ServiceContainer:
    """Returns a Nameko container whose config holds the settings and the events of all contracts."""
    config = {
        "settings": settings,
        "events": list(events),
        "overrides": overrides or {},
        "max_workers": UNBOUNDED_WORKERS,
    }
    return LeanContainer(service_class, config)


def is_ready(container: ServiceContainer) -> bool:
    """Whether every connection of the service is up and its consumers are installed."""
    shared = list(container.shared_extensions.values())
    return bool(container.started) and all(part.is_ready() for part in shared if hasattr(part, "is_ready"))


def run(service_class: type[Any], settings: Settings, events: Iterable[Event]) -> int:
    """Runs a service until SIGTERM or SIGINT; returns the exit code: 0 when all work was finished.

    A stopping process is no longer ready, consumes nothing new, finishes its work and closes its
    connections. What it cannot finish in time is delivered to another process. A second signal ends it
    immediately.
    """
    logging.configure(settings.log_level, settings.log_format)
    failpoints.arm(settings)
    container = make_container(service_class, settings, events)
    draining = False
    if settings.metrics_port:
        _serve_metrics(settings, lambda: not draining and is_ready(container))
    wait_for_signal = _signals()
    container.start()
    log.info("service_started", service=container.service_name)
    stopped = eventlet.spawn(wait_for_signal)
    crashed = eventlet.spawn(_has_crashed, container, stopped)
    stopped.wait()
    draining = True
    log.info("service_draining", service=container.service_name)
    finished = False
    with eventlet.Timeout(settings.drain_seconds, False):
        container.stop()
        finished = True
    log.info("service_stopped" if finished else "drain_timeout", service=container.service_name)
    return 0 if finished and not (crashed.dead and crashed.wait()) else 1


def _has_crashed(container: ServiceContainer, waiter: Any) -> bool:
    try:
        container.wait()
    except Exception as error:
        log.critical("service_crashed", exc_info=error)
        waiter.kill()
        return True
    return False


def _signals() -> Callable[[], None]:
    """Returns a function that waits for SIGTERM or SIGINT without polling; the next one ends the process."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        trampoline(reader, read=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os._exit(128 + number))

    return wait


def _serve_metrics(settings: Settings, ready: Callable[[], bool]) -> None:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        if path == "/healthz" or (path == "/readyz" and ready()):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ok\n"]
        status = "503 Service Unavailable" if path == "/readyz" else "404 Not Found"
        start_response(status, [("Content-Type", "text/plain")])
        return [status.encode() + b"\n"]

    listener = eventlet.listen((settings.metrics_host, settings.metrics_port))
    eventlet.spawn(wsgi.server, listener, application, log_output=False)
