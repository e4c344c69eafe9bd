"""Taking SQL apart at its top level: outside of quotes and brackets."""

import re
from collections.abc import Iterator

_EXECUTE = re.compile(
    r"(?P<before>.*?)\bEXECUTE\s+(?P<name>\w+)\s*(?:\((?P<values>.*)\))?(?P<after>[^)]*)$", re.S | re.I
)
_PREPARE = re.compile(
    r"PREPARE\s+(?P<name>\w+)\s*(?:\((?P<types>[^)]*)\))?\s*AS\s+(?P<body>.*?);?\s*$", re.S | re.I
)
_UNTYPED = ("unknown", "")


def split_statements(text: str) -> list[str]:
    """The statements of a text, without the semicolons between them."""
    return [part.strip() for part in split_at(text, ";") if part.strip()]


def split_at(text: str, separator: str) -> Iterator[str]:
    """The parts between separators that stand in no quotes and no brackets."""
    start, depth, position = 0, 0, 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            position = _end_of_quote(text, position)
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and depth == 0:
            yield text[start:position]
            start = position + 1
        position += 1
    yield text[start:]


def _end_of_quote(text: str, position: int) -> int:
    """Where a quoted text that begins at a position ends; `E'…'` has escapes."""
    quote, has_escapes = text[position], text[position - 1 : position] in ("E", "e")
    position += 1
    while position < len(text) and text[position] != quote:
        position += 2 if has_escapes and text[position] == "\\" else 1
    return position


def inlined(prepare: str, execute: str) -> str:
    """The statement of a PREPARE with the values of an EXECUTE, which may be one of several statements."""
    prepared, executed = _PREPARE.match(prepare), _EXECUTE.match(execute)
    if prepared is None or executed is None:
        return execute
    values = list(split_at(executed["values"] or "", ","))
    types = [type_.strip() for type_ in (prepared["types"] or "").split(",")]
    types += [""] * (len(values) - len(types))

    def value(number: re.Match[str]) -> str:
        position = int(number[1]) - 1
        given, type_ = values[position].strip(), types[position]
        return f"({given})" if type_ in _UNTYPED else f"CAST({given} AS {type_})"

    return executed["before"] + re.sub(r"\$(\d+)", value, prepared["body"]) + executed["after"]
