"""Serves a module by its earlier name to the benchmark of peers, which is kept outside of this repository.

It reads a public key by `chassis.tokens.public_key_of`, which is `kit.security.keys.public_key_of` today.
Python imports this file at its start when its folder is on `PYTHONPATH` (docs/performance.md).
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

MOVED = "chassis.tokens"


class MovedModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the module by its earlier name, with the one function that is imported from it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Returns how to load the module; None for every other one."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Fills the module."""
        from kit.security.keys import public_key_of

        module.__dict__["public_key_of"] = public_key_of


sys.meta_path.append(MovedModule())
