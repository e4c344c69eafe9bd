"""Names and titles are isolated wherever a page puts them: none can turn what stands around it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.website.support.fake_api import EMPTY_LIST, Visitor, run
from website.views.names import bdi, fill, initial

OF_PEOPLE = re.compile(r"display_name|service_title|\bservice\.title|filename")
EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
TRANSLATED = re.compile(r"\{% trans (.*?) %\}", re.DOTALL)
PLACEHOLDER = re.compile(r"\w+=([^,]*)")
TITLE_BLOCK = re.compile(r"\{% block title %\}(.*?)\{% endblock %\}", re.DOTALL)
OLD_NAME = "\u202egro.elpmaxe \u05d0\u2069"  # stored before names were held to a rule


def expressions(repository: Path) -> Iterator[tuple[str, str, bool]]:
    """Every expression that puts a name or title into a page: where, what, and whether only plain text
    can stand there (a page's title, an attribute)."""
    for path in sorted((repository / "website" / "templates").rglob("*.html")):
        template = path.read_text("utf-8")
        titles = [match.span(1) for match in TITLE_BLOCK.finditer(template)]
        in_messages = [
            (tag.start(), value[1])
            for tag in TRANSLATED.finditer(template)
            for value in PLACEHOLDER.finditer(tag[1])
        ]
        alone = [(match.start(), match[1]) for match in EXPRESSION.finditer(template)]
        for at, expression in (*alone, *in_messages):
            before = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", template[:at], flags=re.DOTALL)
            plain = any(begin <= at < end for begin, end in titles) or before.rfind("<") > before.rfind(">")
            if OF_PEOPLE.search(expression) and "fields.line(" not in expression:
                yield f"{path.name}:{template.count(chr(10), 0, at) + 1}", expression, plain


def test_every_name_and_title_in_a_template_is_isolated(repository: Path) -> None:
    found = list(expressions(repository))
    assert len(found) > 50
    for where, expression, plain in found:
        arguments = "fields.text(" in expression  # a label or hint: plain text, escaped by the macro
        wanted = r"\| isolated" if plain or arguments else r"\| (bdi|initial) *$"
        assert re.search(wanted, expression), f"{where}: {expression.strip()} needs | bdi or | isolated"


def test_a_name_is_isolated_and_escaped() -> None:
    assert bdi("<b>&") == "<bdi>&lt;b&gt;&amp;</bdi>"
    assert bdi(OLD_NAME) == "<bdi>gro.elpmaxe \u05d0</bdi>"


def test_a_sentence_is_filled_once() -> None:
    assert fill("{a} & {b}", {"a": bdi("{b}"), "b": "<i>"}) == "<bdi>{b}</bdi> & &lt;i&gt;"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("ada", "A"), ("\u202eada", "A"), ("\u200b\u2060 é", "É"), ("明", "明"), ("ß", "S"), ("\u200b", "")],
)
def test_the_letter_of_a_person_is_one_that_can_be_seen(name: str, shown: str) -> None:
    assert initial(name) == shown


class Isolated(HTMLParser):
    """Where a text stands in a page: its element, for each of its places."""

    def __init__(self, page: str, text: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self._text, self.elements = text, set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        assert not any(self._text in (value or "") for name, value in attrs if name != "value"), tag

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if self._text in data:
            self.elements.add(self._open[-1])


def test_an_old_name_affects_only_itself_on_a_page() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        told = {
            "id": "n", "type": "order_submitted", "order_id": "o", "read_at": None,
            "created_at": "2026-11-28T12:00:00Z", "actor": {"id": "a", "display_name": OLD_NAME},
            "data": {"service_title": OLD_NAME, "order_number": "MT-1"},
        }  # fmt: skip
        visitor.api.answers["GET /v1/notifications"] = {**EMPTY_LIST, "data": [told]}
        page = await (await visitor.get("/notifications")).text()
        assert Isolated(page, "gro.elpmaxe").elements == {"bdi"}
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)

    run(scenario)
