"""No cache grows with what clients send: those without a limit are named here, with their few keys."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("kit", "gateway", "website", "chassis", "services", "client")
WITHOUT_LIMIT = {  # what the arguments can be is known, and little
    "kit/contracts.py:_instance": "schemas of the contracts",
    "kit/contracts.py:_forgiving_instance": "schemas of the contracts",
    "kit/metrics.py:labelled": "names of methods, events and outcomes",
    "kit/localization/translations.py:translations": "languages with a catalogue, checked by `use_language`",
    "gateway/http/middleware.py:_metrics_of": "names of routes, and statuses",
    "gateway/http/request.py:_calls_of": "names of routes, and of methods",
    "gateway/resources/system.py:_read": "names among DOCS_FILES, checked before",
    "website/views/languages.py:_names": "none",
    "services/orders/queries.py:orders_statement": "roles, sorts, and whether there is a filter or a cursor",
    "services/orders/rendering.py:available_to": "situations of an order, and roles",
    "services/payments/payment_context.py:make_payment_context": "settings",
    "services/catalog/text_analysis/languages.py:_stemmer": "names of languages",
    "services/accounts/rendering.py:_signer": "the signing key of the settings",
}


def unlimited_caches(package: Path) -> Iterator[tuple[str, bool]]:
    """Where `functools.cache` and the like are used, and whether on functions with arguments."""
    for source in sorted(package.rglob("*.py")):
        tree = ast.parse(source.read_text())
        place = source.relative_to(package.parent).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(map(_has_no_limit, node.decorator_list)):
                yield f"{place}:{node.name}", bool(node.args.args)
            match node:
                case ast.Assign([ast.Name(name)], ast.Call(function)) if _has_no_limit(function):
                    yield f"{place}:{name}", True


def _has_no_limit(decorator: ast.expr) -> bool:
    text = ast.unparse(decorator)
    return text in ("cache", "functools.cache", "lru_cache(None)", "functools.lru_cache(None)") or (
        "lru_cache" in text and "maxsize=None" in text
    )


def test_caches_without_a_limit_are_of_functions_whose_arguments_are_few(repository: Path) -> None:
    found = [entry for name in PACKAGES for entry in unlimited_caches(repository / name)]
    with_arguments = {place for place, has_arguments in found if has_arguments}
    assert len(found) > len(with_arguments) > 0
    assert with_arguments == set(WITHOUT_LIMIT)


def test_the_search_reads_every_package(repository: Path) -> None:
    assert [name for name in PACKAGES if not list((repository / name).rglob("*.py"))] == []


def test_the_search_finds_every_way_of_writing_one(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(
        "@functools.cache\ndef a(x): ...\n@cache\ndef b(): ...\n@lru_cache(maxsize=None)\ndef c(x): ...\n"
        "@functools.lru_cache(64)\ndef d(x): ...\ne = functools.cache(f)\n"
    )
    found = {place.partition(":")[2]: has for place, has in unlimited_caches(tmp_path)}
    assert found == {"a": True, "b": False, "c": True, "e": True}
