import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from chassis.storage.database import Db, make_engine
from chassis.storage.projections import ANY_ROW, NO_ROW, save_if_newer
from kit.settings import Settings

pytestmark = pytest.mark.servers

NAMES = sa.Table(
    "names",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("locked", sa.Boolean, nullable=False, server_default=sa.text("false")),
)
WRITERS = 16


@pytest.fixture
def db(echo_settings: Settings) -> Iterator[Db]:
    engine = make_engine(echo_settings, "echo")
    NAMES.create(engine)
    yield Db(engine)
    engine.dispose()


def save(
    db: Db,
    version: int,
    name: str,
    only_if: sa.ColumnElement[bool] = ANY_ROW,
    incomplete: sa.ColumnElement[bool] = NO_ROW,
) -> bool:
    row = {"id": 1, "name": name, "version": version}
    conditions = {"only_if": only_if, "incomplete": incomplete}
    return db.write(lambda c: save_if_newer(c, NAMES, row, key=("id",), version="version", **conditions))


def stored(db: Db) -> tuple[str, int]:
    row = db.read(lambda c: c.execute(sa.select(NAMES.c.name, NAMES.c.version)).one())
    return row.name, row.version


def test_the_first_version_is_inserted_whatever_it_is(db: Db) -> None:
    assert save(db, 7, "Ada")
    assert stored(db) == ("Ada", 7)


def test_a_newer_version_replaces_what_is_stored(db: Db) -> None:
    assert save(db, 1, "Ada")
    assert save(db, 2, "Ada Byron")
    assert stored(db) == ("Ada Byron", 2)


@pytest.mark.parametrize("version", [2, 3])
def test_an_older_or_an_equal_version_changes_nothing(db: Db, version: int) -> None:
    assert save(db, 3, "Ada")
    assert not save(db, version, "Somebody else")
    assert stored(db) == ("Ada", 3)


def test_a_row_that_fails_the_further_condition_stays_even_for_a_newer_version(db: Db) -> None:
    open_rows = NAMES.c.locked.is_(False)
    assert save(db, 1, "Ada", open_rows)
    assert save(db, 2, "Ada Byron", open_rows)
    db.write(lambda c: c.execute(sa.update(NAMES).values(locked=True)))
    assert not save(db, 3, "Ada Lovelace", open_rows)
    assert stored(db) == ("Ada Byron", 2)


def test_an_incomplete_row_is_completed_by_its_own_version_and_by_no_older_one(db: Db) -> None:
    nameless = NAMES.c.name == ""
    assert save(db, 3, "", incomplete=nameless)
    assert not save(db, 2, "Ada", incomplete=nameless)
    assert save(db, 3, "Ada Byron", incomplete=nameless)
    assert not save(db, 3, "Somebody else", incomplete=nameless)
    assert stored(db) == ("Ada Byron", 3)


def test_columns_that_are_not_offered_keep_their_values(db: Db) -> None:
    assert save(db, 1, "Ada")
    db.write(lambda c: c.execute(sa.update(NAMES).values(locked=True)))
    assert save(db, 2, "Ada Byron")
    assert db.read(lambda c: c.scalar(sa.select(NAMES.c.locked)))


def test_versions_written_at_the_same_time_end_with_the_newest(db: Db) -> None:
    versions = list(range(1, WRITERS + 1))
    random.Random(7).shuffle(versions)
    with ThreadPoolExecutor(WRITERS) as pool:
        changed = list(pool.map(lambda version: save(db, version, f"Name {version}"), versions))
    assert stored(db) == (f"Name {WRITERS}", WRITERS)
    assert changed[versions.index(WRITERS)]


def test_one_version_written_by_many_at_the_same_time_changes_the_table_once(db: Db) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        changed = list(pool.map(lambda n: save(db, 1, f"Writer {n}"), range(WRITERS)))
    assert changed.count(True) == 1
    assert stored(db) == (f"Writer {changed.index(True)}", 1)
