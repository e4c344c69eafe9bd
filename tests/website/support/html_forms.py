"""The forms of a page, as a browser would send them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class SentForm:
    """A form of a page, untouched; `choices` are its fields where nothing is chosen yet."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    choices: set[str] = field(default_factory=set)
    method: str = "get"


def forms_of(page: str) -> list[SentForm]:
    """The forms of a page, as it is shown."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[SentForm] = []
        self._typing: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.found.append(SentForm(given.get("action", ""), method=given.get("method", "get")))
        elif not self.found:
            return
        elif tag == "input" and name and _is_sent(given):
            self.found[-1].values[name] = given.get("value", "")
        elif tag == "input":
            self.found[-1].choices.add(name)
        elif tag == "textarea":
            self._typing = name
            self.found[-1].values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select is not None and ("selected" in given or self._is_first()):
            self.found[-1].values[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._typing = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._typing is not None:
            before = self.found[-1].values[self._typing]
            self.found[-1].values[self._typing] = (before + data).removeprefix("\n")

    def _is_first(self) -> bool:
        return self._select not in self.found[-1].values


def _is_sent(given: Mapping[str, str]) -> bool:
    return given.get("type") not in ("checkbox", "radio", "submit") or "checked" in given
