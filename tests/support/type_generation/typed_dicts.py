"""TypedDicts as Python source, formatted as `ruff format` does."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

INDENT = "    "
LINE_LENGTH = 110
HEADER = '''"""{summary}

Generated from {source} by `make types`; do not edit.
"""
'''


@dataclass(frozen=True)
class Member:
    """One key of a TypedDict and the type of its values."""

    name: str
    type: str
    required: bool = True

    @property
    def annotation(self) -> str:
        """The type as the class states it."""
        return self.type if self.required else f"NotRequired[{self.type}]"


@dataclass(frozen=True)
class Definition:
    """A TypedDict to be written."""

    name: str
    docstring: str
    members: tuple[Member, ...]
    bases: tuple[str, ...] = ("TypedDict",)


@dataclass
class Module:
    """A module of TypedDicts; `imports` maps a module's name to what is imported from it."""

    summary: str
    source: str
    definitions: list[Definition] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)

    def import_name(self, module: str, name: str) -> None:
        """Imports a name."""
        self.imports.setdefault(module, set()).add(name)

    def render(self) -> str:
        """The module's source text."""
        blocks = [_class(one) if _is_class(one) else _assignment(one) for one in self.definitions]
        header = HEADER.format(summary=self.summary, source=self.source)
        return "\n".join([header, self._import_lines(), "", "\n\n\n".join(blocks), ""])

    def _import_lines(self) -> str:
        typing = set(self.imports.get("typing", ()))
        typing |= {"TypedDict"} if any("TypedDict" in one.bases for one in self.definitions) else set()
        if any(not member.required for one in self.definitions for member in one.members):
            typing.add("NotRequired")
        ours = [import_line(name, self.imports[name]) for name in sorted(self.imports) if name != "typing"]
        standard = [import_line("typing", typing)] if typing else []
        return "\n\n".join("\n".join(group) for group in (standard, ours) if group) + "\n"


def import_line(module: str, names: Iterable[str]) -> str:
    """The import of some names, on one line if they fit."""
    found = sorted(names, key=str.lower)
    line = f"from {module} import {', '.join(found)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"from {module} import (", *(f"{INDENT}{name}," for name in found), ")"])


def _is_class(definition: Definition) -> bool:
    return all(member.name.isidentifier() for member in definition.members)


def _class(definition: Definition) -> str:
    end = "\n" if "\n\n" in definition.docstring else ""
    docstring = textwrap.indent(f'"""{definition.docstring}{end}"""', INDENT)
    members = [f"{INDENT}{member.name}: {member.annotation}" for member in definition.members]
    head = f"class {definition.name}({', '.join(definition.bases)}):"
    return "\n".join([head, docstring, *(["", *members] if members else [])])


def _assignment(definition: Definition) -> str:
    members = ", ".join(f'"{member.name}": {member.annotation}' for member in definition.members)
    docstring = f'\n"""{definition.docstring}"""' if definition.docstring else ""
    return f'{definition.name} = TypedDict("{definition.name}", {{{members}}}){docstring}'
