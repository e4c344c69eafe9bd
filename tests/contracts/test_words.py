"""The words that the glossary lists as not used stay out of the code."""

import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import codebase

PACKAGES = ("kit", "chassis", "services", "gateway", "client", "website", "cli", "embedded", "tests")
EVERYWHERE = "everywhere"
TEXTS = {"STRING", "COMMENT", "FSTRING_MIDDLE"}


@cache
def banned() -> dict[str, str]:
    """Each word of the glossary's last table, and where it is not used."""
    table = (codebase.ROOT / "docs/glossary.md").read_text().split("## Not used")[1]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (names|everywhere) \|$", table, re.M)
    return {word.strip(): where for words, where in rows for word in words.split(",")}


def words_of(identifier: str) -> str:
    """An identifier's words in lower case, with a space before, between and after them."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)
    return f" {' '.join(parts).lower()} "


def uses(path: Path) -> Iterator[tuple[str, str]]:
    """Each banned word of a file with what it was found in."""
    yield from ((word, path.stem) for word in banned() if f" {word} " in words_of(path.stem))
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        is_name = token.type == tokenize.NAME
        is_text = tokenize.tok_name[token.type] in TEXTS
        if is_name or is_text:
            words = words_of(token.string)
            yield from (
                (word, token.string.strip())
                for word, where in banned().items()
                if f" {word} " in words and (is_name or where == EVERYWHERE)
            )


def files_of(package: str) -> list[Path]:
    """A package's modules, migrations that shipped left out."""
    found = sorted((codebase.ROOT / package).rglob("*.py"))
    return [path for path in found if "migrations" not in path.parts and path != Path(__file__)]


@pytest.mark.parametrize("package", PACKAGES)
def test_words_that_the_glossary_excludes_are_not_used(package: str) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in files_of(package):
        for word, place in uses(path):
            found[f"{path.relative_to(codebase.ROOT)}: {word}"].add(place[:60])
    assert found == {}


def test_the_test_knows_the_words_and_sees_them(tmp_path: Path) -> None:
    assert len(banned()) > 20
    sample = tmp_path / "shelf.py"
    sample.write_text('"""A house."""\nopen_till = Wish  # its twin\ndoorstep = "the wish"\n')
    assert {word for word, _ in uses(sample)} == {"shelf", "house", "till", "wish", "twin"}
