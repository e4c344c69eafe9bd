"""The search: words, typing errors, filters and orders in one statement.

Words are looked up as PostgreSQL's English full text finds them: all of them must occur in title,
provider's name or description. Only when nothing has them, services whose title and provider's
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
    func,
    literal_column,
    not_,
    select,
    union_all,
)

from chassis.pages import Page, page_of
from services.catalog.answers import render_service
from services.catalog.models import services
from services.catalog.queries import SHOWN, active_services
from services.catalog.sorting import BY_NAME, Sorting, by_relevance

MOST_CANDIDATES = 1000
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
    if filters["q"] is None:
        sorting = BY_NAME[sort]
        query = active_services(filters, *SHOWN).where(*sorting.after(cursor, bound))
        return sorting.sorted(query, limit), sorting
    if sort == "relevance":
        found = _ranked(filters)
        sorting = by_relevance(found.c.relevance)
        ranked: Select[Any] = select(*SHOWN, found.c.relevance).join(found, found.c.id == _at.id)
        return sorting.sorted(ranked.where(*sorting.after(cursor, bound)), limit), sorting
    sorting = BY_NAME[sort]
    return _sorted_matches(filters, sorting, sorting.after(cursor, bound), limit), sorting


def _sorted_matches(
    filters: dict[str, Any], sorting: Sorting, after: list[ColumnElement[bool]], limit: int
) -> Select[Any]:
    # One half is always empty: similar services exist only where no exact ones do.
    exact = active_services(filters, *SHOWN).where(_has(filters["q"]), *after)
    alike = _alike(filters)
    similar = select(*SHOWN).join(alike, alike.c.id == _at.id).where(*after)
    halves = [sorting.sorted(half, limit).subquery() for half in (exact, similar)]
    both = union_all(*(select(half) for half in halves)).subquery()
    order = [both.c[str(column.key)] for column in sorting.columns]
    return (
        select(both)
        .order_by(*(column.desc() if sorting.descending else column.asc() for column in order))
        .limit(limit + 1)
    )


def _ranked(filters: dict[str, Any]) -> CTE:
    """At most 1,000 candidates with their relevance.

    Those with the words in the title come first, the newest first; then those that have them
    anywhere.
    """
    words = filters["q"]
    in_title = _newest(active_services(filters, _at.id).where(_title_has(words)))
    anywhere = _newest(active_services(filters, _at.id).where(_has(words)))
    relevance = cast(func.ts_rank(_at.search, _query(words)) + func.word_similarity(words, _at.title), Double)
    first = in_title.cte("in_title")
    rest = anywhere.where(_at.id.not_in(select(first.c.id))).limit(_room_beside(first)).cte("rest")
    candidates = union_all(select(first.c.id), select(rest.c.id)).subquery("candidates")
    exact = select(_at.id, relevance.label("relevance")).join(candidates, candidates.c.id == _at.id)
    alike = _alike(filters)
    return union_all(exact, select(alike.c.id, alike.c.relevance)).cte("found")


def _newest(query: Select[Any]) -> Select[Any]:
    return query.order_by(_at.created_at.desc(), _at.id.desc()).limit(MOST_CANDIDATES)


def _room_beside(first: CTE) -> ColumnElement[int]:
    return MOST_CANDIDATES - select(func.count()).select_from(first).scalar_subquery()


def _alike(filters: dict[str, Any]) -> CTE:
    """Services that only look similar: none while one has the very words.

    The threshold is set by the first part of this same statement, for this statement only, and
    the words pass through that part, so that it runs before the index is asked.
    """
    tolerance = func.set_config("pg_trgm.word_similarity_threshold", str(LEAST_SIMILARITY), True)
    tolerant = select(case((tolerance.is_not(None), filters["q"])).label("words")).cte("tolerant")
    words = select(cast(tolerant.c.words, String)).scalar_subquery()
    nearest = (
        active_services(filters, _at.id, func.word_similarity(words, _TITLE_AND_NAME).label("similarity"))
        .where(words.op("<%", is_comparison=True)(_TITLE_AND_NAME))
        .where(not_(active_services(filters, literal_column("1")).where(_has(filters["q"])).exists()))
        .order_by(words.op("<<->")(_TITLE_AND_NAME))
        .limit(MOST_CANDIDATES)
        .cte("nearest")
    )
    near = NEAR_THE_BEST * select(func.max(nearest.c.similarity)).scalar_subquery()
    similarity = cast(nearest.c.similarity, Double).label("relevance")
    return select(nearest.c.id, similarity).where(nearest.c.similarity >= near).cte("alike")


def _query(words: str) -> ColumnElement[Any]:
    return func.plainto_tsquery(_ENGLISH, words)


def _has(words: str) -> ColumnElement[bool]:
    return _at.search.op("@@", is_comparison=True)(_query(words))


def _title_has(words: str) -> ColumnElement[bool]:
    return func.to_tsvector(_ENGLISH, _at.title).op("@@", is_comparison=True)(_query(words))
