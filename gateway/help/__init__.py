"""Help articles: one Markdown file per group, one second-level heading per article.

A heading carries the article's stable id: `## Title {#id}`.
"""

import re
from importlib.resources import files
from typing import TypedDict

GROUPS = ("account", "offering_services", "ordering_services", "payments")
_TITLE = re.compile(r"# (?P<title>.+)")
_ARTICLE = re.compile(r"## (?P<title>.+) \{#(?P<id>[a-z0-9-]+)\}")


class Article(TypedDict):
    """A question and its answer in Markdown."""

    id: str
    title: str
    body: str


class Group(TypedDict):
    """The articles of one subject."""

    group: str
    title: str
    articles: list[Article]


def parse(group: str, text: str) -> Group:
    """Parses the articles of one file. Raises: ValueError when it has no title or an article no id."""
    head, *parts = re.split(r"(?m)^(?=## )", text)
    title = _TITLE.match(head)
    if title is None:
        raise ValueError(f"help/{group}.md has no title")
    return {"group": group, "title": title["title"], "articles": [_article(group, part) for part in parts]}


def _article(group: str, part: str) -> Article:
    heading, _, body = part.partition("\n")
    found = _ARTICLE.fullmatch(heading.strip())
    if found is None:
        raise ValueError(f"help/{group}.md: no id in {heading!r}")
    return {"id": found["id"], "title": found["title"], "body": body.strip()}


def _read(group: str) -> Group:
    return parse(group, (files(__name__) / f"{group}.md").read_text("utf-8"))


HELP: tuple[Group, ...] = tuple(_read(group) for group in GROUPS)
