"""The types of help.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict


class HelpArticle(TypedDict):
    """A question and its answer, in Markdown."""

    id: str
    title: str
    body: str


class HelpGroup(TypedDict):
    """The articles of one subject."""

    group: str
    title: str
    articles: list[HelpArticle]
