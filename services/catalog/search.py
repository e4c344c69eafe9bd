"""The search: words, typing errors, filters and sorting in one statement.

Terms are computed by text_analysis in the same way for texts and queries: all words of a query must
occur, in some form, in title, provider's name, category or description. Only when no service contains
them, services with a similar title and provider's name (pg_trgm, on transliterated text) are found
instead, so typing errors are forgiven and exact words stay exact.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Double,
    Select,
    String,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from kit.paging import Page, page_of
from services.catalog.contract import Status
from services.catalog.models import SERVICES, SHOWN
from services.catalog.rendering import render_service
from services.catalog.sorting import BY_NAME, Sorting, by_relevance
from services.catalog.text_analysis.query_terms import QueryTerms, query_terms
from services.catalog.types import Service

MOST_CANDIDATES = 1000
MOST_SIMILAR = 200
# Two neighbouring letters swapped in a word of six still match ("desgin").
LEAST_SIMILARITY = 0.4
# Of similar services only those are shown that come near the most similar one.
NEAR_THE_BEST = 0.8

_service = SERVICES.c
_NONE: ColumnElement[float] = cast(0, Double).label("relevance")
_TITLE_AND_NAME: ColumnElement[str] = _service.title_transliterated.op("||")(literal_column("' '")).op("||")(
    _service.name_transliterated
)


@dataclass(frozen=True)
class SearchFilters:
    """What a search asks for: words (`q`) and conditions; None means any. Prices are in minor units."""

    q: str | None = None
    category: str | None = None
    provider_id: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    currency: str | None = None
    min_rating: float | None = None


def search_services(
    connection: Connection, filters: SearchFilters, sort: str, limit: int, cursor: str | None
) -> Page[Service]:
    """Returns a page of active services.

    Raises: BadQuery when the cursor belongs to another search.
    """
    filters = replace(filters, q=(filters.q or "").strip() or None)
    bound = {**asdict(filters), "sort": sort}
    query, sorting = _statement(filters, sort, limit, cursor, bound)
    rows = connection.execute(query).all()
    return page_of(rows, limit, bound, sorting.position_of, render_service)


def _statement(
    filters: SearchFilters, sort: str, limit: int, cursor: str | None, bound: dict[str, Any]
) -> tuple[Any, Sorting]:
    terms = None if filters.q is None else query_terms(filters.q)
    if terms is not None and sort == "relevance":
        found, relevance = _ranked(filters, terms)
        sorting = by_relevance(relevance)
        return sorting.sorted(found.where(*sorting.after(cursor, bound)), limit), sorting
    sorting = by_relevance(_NONE) if sort == "relevance" else BY_NAME[sort]
    after = sorting.after(cursor, bound)
    if terms is not None:
        return _sorted_matches(filters, terms, sorting, after, limit), sorting
    nothing = [] if filters.q is None else [false()]
    return sorting.sorted(_active_services(filters, *SHOWN).where(*nothing, *after), limit), sorting


def _active_services(filters: SearchFilters, *columns: Any) -> Select[Any]:
    """Active services that meet every condition of a search but its words."""
    conditions = (
        (filters.category, _service.category.__eq__),
        (filters.provider_id, _service.provider_id.__eq__),
        (filters.currency, _service.currency.__eq__),
        (filters.min_price, _service.price_minor.__ge__),
        (filters.max_price, _service.price_minor.__le__),
        (filters.min_rating, _service.rating_average.__ge__),
    )
    met = [condition(value) for value, condition in conditions if value is not None]
    return select(*columns).where(_service.status == Status.ACTIVE.value, *met)


def _sorted_matches(
    filters: SearchFilters,
    terms: QueryTerms,
    sorting: Sorting,
    after: list[ColumnElement[bool]],
    limit: int,
) -> Select[Any]:
    """The matches in an order of their own; only one of the three parts ever has rows.

    Few matches are looked up and sorted; among many, walking the order's index soon finds a page.
    """
    first = _first_matches(filters, terms)
    few = select(*SHOWN).join(first, first.c.id == _service.id).where(~_are_many(first))
    many = _active_services(filters, *SHOWN).where(_has(terms), _are_many(first))
    similar = _similar(filters, terms, first)
    nearly = select(*SHOWN).join(similar, similar.c.id == _service.id)
    parts = [sorting.sorted(part.where(*after), limit).subquery() for part in (few, many, nearly)]
    found = union_all(*(select(part) for part in parts)).subquery()
    order = [found.c[str(column.key)] for column in sorting.columns]
    return (
        select(found)
        .order_by(*(column.desc() if sorting.descending else column.asc() for column in order))
        .limit(limit + 1)
    )


def _ranked(filters: SearchFilters, terms: QueryTerms) -> tuple[Select[Any], ColumnElement[float]]:
    """At most 1,000 candidates and their relevance.

    Of more matches than that, those with the very words in the title come first, then those
    with the words in another form there, then those with the words anywhere, of each the newest.
    """
    first = _first_matches(filters, terms)
    unknown = cast(null(), Double).label("similarity")
    few = select(first.c.id, unknown).where(~_are_many(first))
    candidates = union_all(
        few,
        *(select(part.c.id, unknown) for part in _newest_of_many(filters, terms, first)),
        select(_similar(filters, terms, first)),
    )
    found = select(candidates.subquery()).limit(MOST_CANDIDATES).cte("found")
    relevance = cast(func.coalesce(found.c.similarity, _of_words(terms)), Double).label("relevance")
    return select(*SHOWN, relevance).join(found, found.c.id == _service.id), relevance


def _of_words(terms: QueryTerms) -> ColumnElement[float]:
    """The relevance of a match: the words in any form, the words as typed, and how similar the title is."""
    any_form = func.ts_rank(_service.search_terms, cast(terms.any_form, TSQUERY)) * terms.forms_per_word
    as_typed = func.ts_rank(_service.search_terms, cast(terms.any_typed, TSQUERY))
    return any_form + as_typed + func.word_similarity(terms.transliterated, _service.title_transliterated)


def _first_matches(filters: SearchFilters, terms: QueryTerms) -> CTE:
    """Any 1,000 services that contain the words: all of them, unless there are more."""
    matches = _active_services(filters, _service.id).where(_has(terms))
    return matches.limit(MOST_CANDIDATES).cte("first_matches")


def _are_many(first: CTE) -> ColumnElement[bool]:
    return select(func.count()).select_from(first).scalar_subquery() >= MOST_CANDIDATES


def _newest_of_many(filters: SearchFilters, terms: QueryTerms, first: CTE) -> list[CTE]:
    conditions = {
        "titled_as_typed": _matches(_service.title_terms, terms.all_typed),
        "titled": _matches(_service.title_terms, terms.all_forms),
        "others": _has(terms),
    }
    earlier: list[CTE] = []
    for name, words in conditions.items():
        matches = _active_services(filters, _service.id).where(words, _are_many(first))
        others = matches.where(*(_service.id.not_in(select(part.c.id)) for part in earlier))
        newest = others.order_by(_service.created_at.desc(), _service.id.desc())
        earlier.append(newest.limit(_room(earlier)).cte(name))
    return earlier


def _room(earlier: list[CTE]) -> Any:
    counts = (select(func.count()).select_from(part).scalar_subquery() for part in earlier)
    return func.greatest(0, MOST_CANDIDATES - sum(counts, literal(0))) if earlier else MOST_CANDIDATES


def _similar(filters: SearchFilters, terms: QueryTerms, first: CTE) -> CTE:
    """The 200 most similar services: none when a service contains the very words, or when the words are
    too short to compare.

    The threshold is set by the first part of the same statement, for this statement only; the words
    pass through that part, so that it runs before the index is read.
    """
    tolerance = func.set_config("pg_trgm.word_similarity_threshold", str(LEAST_SIMILARITY), True)
    typed = terms.misspelled or None
    tolerant = select(case((tolerance.is_not(None), typed)).label("words")).cte("tolerant")
    words = select(cast(tolerant.c.words, String)).scalar_subquery()
    nearest = (
        _active_services(
            filters, _service.id, func.word_similarity(words, _TITLE_AND_NAME).label("similarity")
        )
        .where(words.op("<%", is_comparison=True)(_TITLE_AND_NAME))
        .where(~exists(select(first.c.id)))
        .order_by(words.op("<<->")(_TITLE_AND_NAME))
        .limit(MOST_SIMILAR)
        .cte("nearest")
    )
    near = NEAR_THE_BEST * select(func.max(nearest.c.similarity)).scalar_subquery()
    as_double = cast(nearest.c.similarity, Double).label("similarity")
    return select(nearest.c.id, as_double).where(nearest.c.similarity >= near).cte("similar")


def _has(terms: QueryTerms) -> ColumnElement[bool]:
    return _matches(_service.search_terms, terms.all_forms)


def _matches(column: ColumnElement[Any], query: str) -> ColumnElement[bool]:
    return column.op("@@", is_comparison=True)(cast(query, TSQUERY))
