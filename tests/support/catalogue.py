"""The catalogue of messages: extracted from the code, compared with it, and brought up to date."""

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from kit.localization.locales import DEFAULT_TAG
from kit.localization.translations import DOMAIN, LANGUAGES

ROOT = Path(__file__).parents[2]
TRANSLATIONS = tuple(language for language in LANGUAGES if language != DEFAULT_TAG)


def extracted() -> Catalog:
    """Every message of the code, as `[tool.microtasks.messages]` of pyproject.toml says where they are."""
    catalog = Catalog(domain=DOMAIN)
    for message, comments, context in _messages():
        if message:
            catalog.add(message, context=context, auto_comments=comments)
    return catalog


def _messages() -> Iterator[tuple[str | tuple[str, ...], list[str], str | None]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["microtasks"]["messages"]
    methods = [(pattern, method) for pattern, method in settings["methods"].items()]
    options = {pattern: settings["jinja2"] for pattern, method in methods if method == "jinja2"}
    for folder in settings["folders"]:
        found = extract_from_dir(ROOT / folder, methods, options, DEFAULT_KEYWORDS)
        for _, _, message, comments, context in found:
            yield message, comments, context


def path_of(language: str) -> Path:
    """The file of a language's translations."""
    return ROOT / "kit" / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def committed(language: str) -> Catalog:
    """The translations as the repository has them."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def updated(language: str) -> str:
    """The file of a language with every message of the code, and no other.

    It holds no dates, names or line numbers: the same code makes the same file.
    """
    catalog = committed(language)
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    body = io.BytesIO()
    write_po(body, catalog, width=100, no_location=True, omit_header=True, ignore_obsolete=True)
    head, _, _ = path_of(language).read_text("utf-8").partition("\n\n")
    return f"{head}\n\n{body.getvalue().decode().strip()}\n"


def main() -> None:
    """Brings the files up to date."""
    for language in TRANSLATIONS:
        path_of(language).write_text(updated(language), "utf-8")


if __name__ == "__main__":
    main()
