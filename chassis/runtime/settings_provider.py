"""A service's own settings, loaded at the start so that a bad value stops it."""

from typing import Any, Generic, TypeVar

from nameko.extensions import DependencyProvider

from kit.settings import load

Loaded = TypeVar("Loaded")


class SettingsProvider(DependencyProvider, Generic[Loaded]):  # type: ignore[misc]
    """`periods = SettingsProvider(Periods)` gives methods the loaded `Periods`."""

    def __init__(self, cls: type[Loaded]) -> None:
        self._cls = cls

    def setup(self) -> None:
        """Reads the environment; raises BadSetting naming the variable."""
        overrides = self.container.config.get("overrides", {})
        self._loaded = load(self._cls, **overrides.get(self._cls, {}))

    def get_dependency(self, worker_ctx: Any) -> Loaded:
        """The same settings for every call."""
        return self._loaded
