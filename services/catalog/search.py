"""The search: words, typing errors, filters and orders in one statement.

What is looked up are terms that text_analysis computes alike for texts and queries: all words of a
query must occur, in some form, in title, provider's name, category or description. Only when nothing
has them, services whose title and provider's name look similar (pg_trgm, on transliterated text) are
found instead, so a typing error finds and exact words stay exact.
"""

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
from services.catalog.models import services
from services.catalog.queries import SHOWN, active_services
from services.catalog.rendering import render_service
from services.catalog.sorting import BY_NAME, Sorting, by_relevance
from services.catalog.text_analysis.query_terms import QueryTerms, query_terms
from services.catalog.types import Service

MOST_CANDIDATES = 1000
MOST_ALIKE = 200
# Two neighbouring letters swapped in a word of six still match ("desgin").
LEAST_SIMILARITY = 0.4
# Of similar services only those are shown that come near the most similar one.
NEAR_THE_BEST = 0.8

_at = services.c
_NONE: ColumnElement[float] = cast(0, Double).label("relevance")
_TITLE_AND_NAME: ColumnElement[str] = _at.title_transliterated.op("||")(literal_column("' '")).op("||")(
    _at.name_transliterated
)


def search_services(
    connection: Connection, limit: int, cursor: str | None, sort: str, **filters: Any
) -> Page[Service]:
    """A page of active services.

    Raises: BadQuery when the cursor belongs to another search.
    """
    filters["q"] = (filters["q"] or "").strip() or None
    bound = {**filters, "sort": sort}
    query, sorting = _statement(filters, sort, limit, cursor, bound)
    rows = connection.execute(query).all()
    return page_of(rows, limit, bound, sorting.position, render_service)


def _statement(
    filters: dict[str, Any], sort: str, limit: int, cursor: str | None, bound: dict[str, Any]
) -> tuple[Any, Sorting]:
    terms = None if filters["q"] is None else query_terms(filters["q"])
    if terms is not None and sort == "relevance":
        found, relevance = _ranked(filters, terms)
        sorting = by_relevance(relevance)
        return sorting.sorted(found.where(*sorting.after(cursor, bound)), limit), sorting
    sorting = by_relevance(_NONE) if sort == "relevance" else BY_NAME[sort]
    after = sorting.after(cursor, bound)
    if terms is not None:
        return _sorted_matches(filters, terms, sorting, after, limit), sorting
    nothing = [] if filters["q"] is None else [false()]
    return sorting.sorted(active_services(filters, *SHOWN).where(*nothing, *after), limit), sorting


def _sorted_matches(
    filters: dict[str, Any],
    terms: QueryTerms,
    sorting: Sorting,
    after: list[ColumnElement[bool]],
    limit: int,
) -> Select[Any]:
    """The matches in an order of their own; only one of the three parts ever has rows.

    Few matches are looked up and sorted; among many, walking the order's index soon finds a page.
    """
    first = _first_matches(filters, terms)
    few = select(*SHOWN).join(first, first.c.id == _at.id).where(~_are_many(first))
    many = active_services(filters, *SHOWN).where(_has(terms), _are_many(first))
    alike = _alike(filters, terms, first)
    similar = select(*SHOWN).join(alike, alike.c.id == _at.id)
    parts = [sorting.sorted(part.where(*after), limit).subquery() for part in (few, many, similar)]
    found = union_all(*(select(part) for part in parts)).subquery()
    order = [found.c[str(column.key)] for column in sorting.columns]
    return (
        select(found)
        .order_by(*(column.desc() if sorting.descending else column.asc() for column in order))
        .limit(limit + 1)
    )


def _ranked(filters: dict[str, Any], terms: QueryTerms) -> tuple[Select[Any], ColumnElement[float]]:
    """At most 1,000 candidates and their relevance.

    Of more matches than that, those with the very words in the title are taken first, then those
    with the words in another form there, then those with the words anywhere, of each the newest.
    """
    first = _first_matches(filters, terms)
    unknown = cast(null(), Double).label("similarity")
    few = select(first.c.id, unknown).where(~_are_many(first))
    candidates = union_all(
        few,
        *(select(part.c.id, unknown) for part in _newest_of_many(filters, terms, first)),
        select(_alike(filters, terms, first)),
    )
    found = select(candidates.subquery()).limit(MOST_CANDIDATES).cte("found")
    relevance = cast(func.coalesce(found.c.similarity, _of_words(terms)), Double).label("relevance")
    return select(*SHOWN, relevance).join(found, found.c.id == _at.id), relevance


def _of_words(terms: QueryTerms) -> ColumnElement[float]:
    """How much a match is about the words: in any form, as they were typed, and how near the title is."""
    any_form = func.ts_rank(_at.search_terms, cast(terms.any_form, TSQUERY)) * terms.forms_per_word
    as_typed = func.ts_rank(_at.search_terms, cast(terms.any_typed, TSQUERY))
    return any_form + as_typed + func.word_similarity(terms.transliterated, _at.title_transliterated)


def _first_matches(filters: dict[str, Any], terms: QueryTerms) -> CTE:
    """Any 1,000 services that have the words: all of them, unless there are many."""
    matches = active_services(filters, _at.id).where(_has(terms))
    return matches.limit(MOST_CANDIDATES).cte("first_matches")


def _are_many(first: CTE) -> ColumnElement[bool]:
    return select(func.count()).select_from(first).scalar_subquery() >= MOST_CANDIDATES


def _newest_of_many(filters: dict[str, Any], terms: QueryTerms, first: CTE) -> list[CTE]:
    conditions = {
        "titled_as_typed": _matches(_at.title_terms, terms.all_typed),
        "titled": _matches(_at.title_terms, terms.all_forms),
        "others": _has(terms),
    }
    taken: list[CTE] = []
    for name, words in conditions.items():
        matches = active_services(filters, _at.id).where(words, _are_many(first))
        others = matches.where(*(_at.id.not_in(select(part.c.id)) for part in taken))
        newest = others.order_by(_at.created_at.desc(), _at.id.desc())
        taken.append(newest.limit(_room(taken)).cte(name))
    return taken


def _room(taken: list[CTE]) -> Any:
    counts = (select(func.count()).select_from(part).scalar_subquery() for part in taken)
    return func.greatest(0, MOST_CANDIDATES - sum(counts, literal(0))) if taken else MOST_CANDIDATES


def _alike(filters: dict[str, Any], terms: QueryTerms, first: CTE) -> CTE:
    """The 200 services that look most similar: none while one has the very words, or when the words
    are too short to tell.

    The threshold is set by the first part of this same statement, for this statement only, and
    the words pass through that part, so that it runs before the index is asked.
    """
    tolerance = func.set_config("pg_trgm.word_similarity_threshold", str(LEAST_SIMILARITY), True)
    typed = terms.misspelled or None
    tolerant = select(case((tolerance.is_not(None), typed)).label("words")).cte("tolerant")
    words = select(cast(tolerant.c.words, String)).scalar_subquery()
    nearest = (
        active_services(filters, _at.id, func.word_similarity(words, _TITLE_AND_NAME).label("similarity"))
        .where(words.op("<%", is_comparison=True)(_TITLE_AND_NAME))
        .where(~exists(select(first.c.id)))
        .order_by(words.op("<<->")(_TITLE_AND_NAME))
        .limit(MOST_ALIKE)
        .cte("nearest")
    )
    near = NEAR_THE_BEST * select(func.max(nearest.c.similarity)).scalar_subquery()
    similarity = cast(nearest.c.similarity, Double).label("similarity")
    return select(nearest.c.id, similarity).where(nearest.c.similarity >= near).cte("alike")


def _has(terms: QueryTerms) -> ColumnElement[bool]:
    return _matches(_at.search_terms, terms.all_forms)


def _matches(column: ColumnElement[Any], query: str) -> ColumnElement[bool]:
    return column.op("@@", is_comparison=True)(cast(query, TSQUERY))
