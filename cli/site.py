"""The web site as a process of its own."""

import asyncio

from kit import logging
from kit.settings import BadSetting, Settings, load
from web.app import run_until_signalled
from web.settings import UnfitSetting, WebSettings


def web_settings() -> WebSettings:
    """The site's settings. Raises: BadSetting."""
    try:
        return load(WebSettings)
    except UnfitSetting as error:
        raise BadSetting(str(error)) from error


def serve_site() -> None:
    """Runs the site until SIGTERM or SIGINT."""
    # The site has no broker, database or keys of its own: production's demands on those are not for it.
    settings, common = web_settings(), load(Settings, environment="development")
    logging.configure(common.log_level, common.log_format)
    asyncio.run(run_until_signalled(settings, common.metrics_host, common.metrics_port))
