"""Private parts of libraries that kit changes, each with the reason; `kit/http/patches.py` has aiohttp's."""

from collections.abc import Callable
from typing import Any

from environs import Env


class LookupEnv(Env):
    """Parses what `lookup` finds for a variable, instead of the environment alone.

    environs 15 offers no public way to read from elsewhere: its own `FileAwareEnv` overrides
    `_get_value` as well.
    """

    def __init__(self, lookup: Callable[[str], str | None]) -> None:
        super().__init__()
        self._lookup = lookup

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = self._lookup(env_key)
        return default if value is None else value
