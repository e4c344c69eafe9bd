"""What a document says, whatever it is drawn as. All texts are plain; escaping is the drawer's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows under a heading. The last column holds amounts; `has_total` says that the last row sums up."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_total: bool = False


@dataclass(frozen=True)
class Sheet:
    """One document: facts first, then tables, then notes. `name` is what its file is called."""

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
