"""A service's own settings, loaded at the start, which a bad value stops."""

from typing import Any, Generic, TypeVar

from nameko.extensions import DependencyProvider

from kit.settings import load

Loaded = TypeVar("Loaded")


class SettingsProvider(DependencyProvider, Generic[Loaded]):  # type: ignore[misc]
    """`periods = SettingsProvider(Periods)` provides methods with the loaded `Periods`."""

    def __init__(self, cls: type[Loaded]) -> None:
        self._cls = cls

    def setup(self) -> None:
        """Reads the environment. Raises: BadSetting naming the variable."""
        overrides = self.container.config.get("overrides", {})
        self._loaded = load(self._cls, **overrides.get(self._cls, {}))

    def get_dependency(self, worker_ctx: Any) -> Loaded:
        """Returns the same settings for every call."""
        return self._loaded
