"""The web site as a process of its own."""

from kit import logging
from kit.http import event_loop
from kit.settings import load
from website.app import run_until_signalled
from website.settings import WebSettings


def serve_site() -> None:
    """Runs the site until SIGTERM or SIGINT. Raises: BadSetting."""
    settings = load(WebSettings)
    logging.configure(settings.log_level, settings.log_format)
    event_loop.run(run_until_signalled(settings, settings.metrics_host, settings.metrics_port))
