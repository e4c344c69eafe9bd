"""Checks settings before anything starts, so that a person reads a sentence instead of a traceback."""

from nameko.containers import ServiceContainer

from chassis.runtime.settings_provider import SettingsProvider


def check_settings(container: ServiceContainer) -> None:
    """Loads the settings of a service that has not started. Raises: BadSetting."""
    for dependency in container.dependencies:
        if isinstance(dependency, SettingsProvider):
            dependency.setup()
