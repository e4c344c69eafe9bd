"""The search: words, typing errors, filters and orders in one statement.

Words are looked up as PostgreSQL's English full text finds them: all of them must occur in title,
provider's name, category or description. Only when nothing has them, services whose title and provider's
name look similar (pg_trgm) are found instead, so a typing error finds and exact words stay exact.
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
    func,
    literal_column,
    null,
    select,
    union_all,
)

from kit.paging import Page, page_of
from services.catalog.models import services
from services.catalog.queries import SHOWN, active_services
from services.catalog.rendering import render_service
from services.catalog.sorting import BY_NAME, Sorting, by_relevance

MOST_CANDIDATES = 1000
MOST_ALIKE = 200
# Two neighbouring letters swapped in a word of six still match ("desgin").
LEAST_SIMILARITY = 0.4
# Of similar services only those are shown that come near the most similar one.
NEAR_THE_BEST = 0.8

_at = services.c
_ENGLISH: ColumnElement[Any] = literal_column("'english'::regconfig")
_TITLE_AND_NAME: ColumnElement[str] = _at.title.op("||")(literal_column("' '")).op("||")(_at.provider_name)


def search_services(
    connection: Connection, limit: int, cursor: str | None, sort: str, **filters: Any
) -> Page:
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
    if sort == "relevance":
        found, relevance = _ranked(filters)
        sorting = by_relevance(relevance)
        return sorting.sorted(found.where(*sorting.after(cursor, bound)), limit), sorting
    sorting = BY_NAME[sort]
    after = sorting.after(cursor, bound)
    if filters["q"] is None:
        return sorting.sorted(active_services(filters, *SHOWN).where(*after), limit), sorting
    return _sorted_matches(filters, sorting, after, limit), sorting


def _sorted_matches(
    filters: dict[str, Any], sorting: Sorting, after: list[ColumnElement[bool]], limit: int
) -> Select[Any]:
    """The matches in an order of their own; only one of the three parts ever has rows.

    Few matches are looked up and sorted; among many, walking the order's index soon finds a page.
    """
    words, first = filters["q"], _first_matches(filters)
    few = select(*SHOWN).join(first, first.c.id == _at.id).where(~_are_many(first))
    many = active_services(filters, *SHOWN).where(_has(words), _are_many(first))
    alike = _alike(filters, first)
    similar = select(*SHOWN).join(alike, alike.c.id == _at.id)
    parts = [sorting.sorted(part.where(*after), limit).subquery() for part in (few, many, similar)]
    found = union_all(*(select(part) for part in parts)).subquery()
    order = [found.c[str(column.key)] for column in sorting.columns]
    return (
        select(found)
        .order_by(*(column.desc() if sorting.descending else column.asc() for column in order))
        .limit(limit + 1)
    )


def _ranked(filters: dict[str, Any]) -> tuple[Select[Any], ColumnElement[float]]:
    """At most 1,000 candidates and their relevance.

    Of more matches than that, those with the words in the title are taken first, then those with
    the words anywhere, of either the newest.
    """
    words, first = filters["q"], _first_matches(filters)
    unknown = cast(null(), Double).label("similarity")
    few = select(first.c.id, unknown).where(~_are_many(first))
    candidates = union_all(
        few,
        *(select(part.c.id, unknown) for part in _newest_of_many(filters, first)),
        select(_alike(filters, first)),
    )
    found = select(candidates.subquery()).limit(MOST_CANDIDATES).cte("found")
    of_words = func.ts_rank(_at.search, _query(words)) + func.word_similarity(words, _at.title)
    relevance = cast(func.coalesce(found.c.similarity, of_words), Double).label("relevance")
    return select(*SHOWN, relevance).join(found, found.c.id == _at.id), relevance


def _first_matches(filters: dict[str, Any]) -> CTE:
    """Any 1,000 services that have the words: all of them, unless there are many."""
    matches = active_services(filters, _at.id).where(_has(filters["q"]))
    return matches.limit(MOST_CANDIDATES).cte("first_matches")


def _are_many(first: CTE) -> ColumnElement[bool]:
    return select(func.count()).select_from(first).scalar_subquery() >= MOST_CANDIDATES


def _newest_of_many(filters: dict[str, Any], first: CTE) -> tuple[CTE, CTE]:
    def newest(words: ColumnElement[bool]) -> Select[Any]:
        matches = active_services(filters, _at.id).where(words, _are_many(first))
        return matches.order_by(_at.created_at.desc(), _at.id.desc())

    titled = newest(_title_has(filters["q"])).limit(MOST_CANDIDATES).cte("titled")
    room = MOST_CANDIDATES - select(func.count()).select_from(titled).scalar_subquery()
    others = newest(_has(filters["q"])).where(_at.id.not_in(select(titled.c.id)))
    return titled, others.limit(room).cte("others")


def _alike(filters: dict[str, Any], first: CTE) -> CTE:
    """The 200 services that look most similar: none while one has the very words.

    The threshold is set by the first part of this same statement, for this statement only, and
    the words pass through that part, so that it runs before the index is asked.
    """
    tolerance = func.set_config("pg_trgm.word_similarity_threshold", str(LEAST_SIMILARITY), True)
    tolerant = select(case((tolerance.is_not(None), filters["q"])).label("words")).cte("tolerant")
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


def _query(words: str) -> ColumnElement[Any]:
    return func.plainto_tsquery(_ENGLISH, words)


def _has(words: str) -> ColumnElement[bool]:
    return _at.search.op("@@", is_comparison=True)(_query(words))


def _title_has(words: str) -> ColumnElement[bool]:
    return _at.title_words.op("@@", is_comparison=True)(_query(words))
