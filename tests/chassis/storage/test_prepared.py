"""Prepared statements: the same answers with less work of the server, whatever happens to a connection."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.database import Db, make_engine
from chassis.storage.prepared import EXECUTIONS_BEFORE, MAX_STATEMENTS, as_prepared
from kit.settings import Settings

pytestmark = pytest.mark.servers

SAMPLES = sa.Table(
    "samples",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("size", sa.SmallInteger),
    sa.Column("name", sa.Text),
    sa.Column("tags", JSONB),
    sa.Column("made_at", sa.DateTime(timezone=True)),
)
ID = "00000000-0000-4000-8000-000000000001"
X_AND_Y = {"x": 9, "y": True}
MADE_AT = datetime(2026, 11, 29, 12, 0, 0, 1, tzinfo=UTC)
BY_SIZE = sa.select(SAMPLES.c.name).where(SAMPLES.c.size == sa.bindparam("size"))
RENAME = sa.update(SAMPLES).where(SAMPLES.c.id == sa.bindparam("sample_id")).values(name=SAMPLES.c.name + "!")
PREPARED = sa.text("SELECT statement FROM pg_prepared_statements")


@pytest.fixture
def engine(echo_settings: Settings) -> Iterator[sa.Engine]:
    """One connection, in autocommit, as those that read are."""
    engine = make_engine(echo_settings, "echo", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        SAMPLES.drop(connection, checkfirst=True)
        SAMPLES.create(connection)
        row = {"id": ID, "size": 3, "name": "100% cotton", "tags": {"a": [1]}, "made_at": MADE_AT}
        connection.execute(sa.insert(SAMPLES).values(row))
    yield engine
    engine.dispose()


@pytest.fixture
def writer(echo_settings: Settings, engine: sa.Engine) -> Iterator[Db]:
    transactional = make_engine(echo_settings, "echo")
    yield Db(transactional)
    transactional.dispose()


def repeat(connection: sa.Connection, statement: sa.Executable, values: Any = None) -> list[list[Any]]:
    """The rows of as many executions as it takes to prepare a statement, and one more."""
    return [
        [tuple(row) for row in connection.execute(statement, values or {})]
        for _ in range(EXECUTIONS_BEFORE + 1)
    ]


def prepared_on(connection: sa.Connection, table: str = "samples") -> list[str]:
    return [text for (text,) in connection.execute(PREPARED) if table in text and "pg_prepared" not in text]


def test_a_frequent_statement_is_prepared_once_and_answers_the_same(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        answers = repeat(connection, BY_SIZE, {"size": 3})
        assert answers == [[("100% cotton",)]] * len(answers)
        assert len(prepared_on(connection)) == 1
        assert connection.execute(BY_SIZE, {"size": 4}).all() == []


def test_each_connection_prepares_for_itself(engine: sa.Engine) -> None:
    with engine.connect() as first, engine.connect() as second:
        repeat(first, BY_SIZE, {"size": 3})
        assert second.execute(BY_SIZE, {"size": 3}).all() == [("100% cotton",)]
        assert len(prepared_on(second)) == 1


def test_a_rare_statement_is_not_prepared(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for _ in range(EXECUTIONS_BEFORE - 1):
            connection.execute(BY_SIZE, {"size": 3})
        assert prepared_on(connection) == []


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (SAMPLES.c.id == sa.bindparam("x"), {"x": ID}),
        (SAMPLES.c.id == sa.any_(sa.bindparam("x", type_=sa.ARRAY(sa.Uuid(as_uuid=False)))), {"x": [ID]}),
        (SAMPLES.c.id.in_(sa.bindparam("x", expanding=True)), {"x": [ID, ID]}),
        (SAMPLES.c.tags == sa.bindparam("x"), {"x": {"a": [1]}}),
        (SAMPLES.c.made_at == sa.bindparam("x"), {"x": MADE_AT}),
        (SAMPLES.c.name.like(sa.bindparam("x")), {"x": "100\\%%"}),
        (SAMPLES.c.name.like("%cotton"), {}),
        (
            sa.and_(SAMPLES.c.size == sa.bindparam("x"), sa.bindparam("y", type_=sa.Boolean())),
            {"x": 3, "y": True},
        ),
        (sa.bindparam("x", type_=sa.DateTime(timezone=True)) == SAMPLES.c.made_at, {"x": MADE_AT}),
    ],
)
def test_values_of_every_type_mean_the_same(engine: sa.Engine, condition: Any, values: Any) -> None:
    with engine.connect() as connection:
        answers = repeat(connection, sa.select(SAMPLES).where(condition), values)
        assert answers == [[(ID, 3, "100% cotton", {"a": [1]}, MADE_AT)]] * len(answers)
        assert len(prepared_on(connection)) == 1


def test_a_number_beyond_its_column_still_matches_no_row(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert repeat(connection, BY_SIZE, {"size": 70_000})[-1] == []
        assert len(prepared_on(connection)) == 1


def test_a_number_is_compared_as_it_is_not_rounded_to_its_column(engine: sa.Engine) -> None:
    weight = sa.column("weight", sa.REAL)
    third = sa.select(sa.literal(1)).select_from(sa.text("(SELECT 0.1::real AS weight) AS w"))
    above = third.where(weight > sa.bindparam("x", type_=sa.Float()))
    with engine.connect() as connection:
        answers = repeat(connection, above, {"x": 0.1})
        assert answers == [[(1,)]] * len(answers)  # the nearest `real` is more than 0.1
        assert len(prepared_on(connection, "weight")) == 1


def test_a_number_of_no_known_type_is_sent_as_text(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert repeat(connection, sa.text("SELECT name FROM samples WHERE size = :x"), {"x": 3})
        assert prepared_on(connection) == []


def test_an_array_of_no_known_type_is_sent_as_text(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for array in ("CAST(:ids AS uuid[])", ":ids"):
            by_id = sa.text(f"SELECT name FROM samples WHERE CAST(id AS text) = ANY(CAST({array} AS text[]))")
            assert repeat(connection, by_id, {"ids": [ID]})[-1] == [("100% cotton",)]
        assert prepared_on(connection) == []


def test_a_statement_that_cannot_be_prepared_runs_as_text(engine: sa.Engine) -> None:
    undetermined = sa.text("SELECT :x IS NULL")
    with engine.connect() as connection:
        assert repeat(connection, undetermined, {"x": "a"})[-1] == [(False,)]
        assert prepared_on(connection, "IS NULL") == []


def test_many_rows_at_once_are_sent_as_text_also_when_the_statement_for_one_is_prepared(
    engine: sa.Engine,
) -> None:
    statement = sa.insert(SAMPLES).returning(SAMPLES.c.size)
    ids = (f"00000000-0000-4000-8000-{n:012}" for n in count(2))
    with engine.connect() as connection:
        for _ in range(EXECUTIONS_BEFORE + 1):
            connection.execute(statement, {"id": next(ids), "size": 1})
        for _ in range(EXECUTIONS_BEFORE + 1):
            rows = [{"id": next(ids), "size": size} for size in (7, 8)]
            assert sorted(connection.execute(statement, rows).scalars()) == [7, 8]
        assert len(prepared_on(connection)) == 1


def test_what_is_fetched_in_parts_is_sent_as_text_also_when_the_statement_is_prepared(
    engine: sa.Engine,
) -> None:
    with engine.connect() as connection:
        repeat(connection, BY_SIZE, {"size": 3})
        parts = connection.execute(BY_SIZE, {"size": 3}, execution_options={"yield_per": 1})
        assert parts.all() == [("100% cotton",)]


def test_a_transaction_is_not_aborted_by_a_statement_that_cannot_be_prepared(writer: Db) -> None:
    undetermined = sa.text("SELECT :x IS NULL")

    def effect(connection: sa.Connection) -> Any:
        repeat(connection, undetermined, {"x": "a"})
        repeat(connection, RENAME.returning(SAMPLES.c.name), {"sample_id": ID})
        return connection.execute(sa.select(SAMPLES.c.name)).scalar()

    suffix = "!" * (EXECUTIONS_BEFORE + 1)
    assert writer.write(effect) == f"100% cotton{suffix}"
    assert writer.write(effect) == f"100% cotton{suffix}{suffix}"
    assert [text for text in writer.write(prepared_on) if text.startswith("PREPARE")]


def test_the_number_of_changed_rows_is_that_of_the_statement(writer: Db) -> None:
    def effect(connection: sa.Connection) -> list[int]:
        return [connection.execute(RENAME, {"sample_id": ID}).rowcount for _ in range(EXECUTIONS_BEFORE)]

    assert writer.write(effect) == writer.write(effect) == [1] * EXECUTIONS_BEFORE


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE samples ALTER COLUMN name TYPE varchar(90)", "ALTER TABLE samples ADD COLUMN extra int"],
)
def test_a_change_of_the_schema_between_two_calls_is_not_noticed(
    writer: Db, engine: sa.Engine, change: str
) -> None:
    def read(connection: sa.Connection) -> Any:
        return connection.execute(BY_SIZE, {"size": 3}).scalar()

    def rename(connection: sa.Connection) -> Any:
        return connection.execute(RENAME.returning(SAMPLES.c.name), {"sample_id": ID}).scalar()

    for _ in range(EXECUTIONS_BEFORE + 1):
        last, seen = writer.write(rename), writer.read(read)
    assert len(writer.read(prepared_on)) == 2
    with engine.connect() as connection:
        connection.exec_driver_sql(change)
    assert (last, seen) == (f"100% cotton{'!' * 6}",) * 2
    assert writer.write(rename) == writer.read(read) == f"100% cotton{'!' * 7}"


@pytest.mark.parametrize("forget", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_statements_that_the_server_no_longer_knows_are_prepared_again(writer: Db, forget: str) -> None:
    def read(connection: sa.Connection) -> Any:
        return connection.execute(BY_SIZE, {"size": 3}).scalar()

    writer.read(lambda connection: repeat(connection, BY_SIZE, {"size": 3}))
    writer.read(lambda connection: connection.exec_driver_sql(forget))
    assert [writer.read(read) for _ in range(2)] == ["100% cotton"] * 2
    assert len(writer.read(prepared_on)) == 1


def test_a_new_connection_prepares_anew(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        repeat(connection, BY_SIZE, {"size": 3})
    engine.dispose()
    with engine.connect() as connection:
        assert connection.execute(BY_SIZE, {"size": 3}).all() == [("100% cotton",)]
        assert len(prepared_on(connection)) == 1


def test_a_connection_prepares_a_bounded_number(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for n in range(MAX_STATEMENTS + 5):
            repeat(connection, sa.text(f"SELECT {n} FROM samples"))
        assert len(prepared_on(connection)) == MAX_STATEMENTS


def test_a_setting_switches_it_off(echo_settings: Settings, engine: sa.Engine) -> None:
    plain = make_engine(
        replace(echo_settings, prepared_statements=False), "echo", isolation_level="AUTOCOMMIT"
    )
    with closing(plain.connect()) as connection:
        assert repeat(connection, BY_SIZE, {"size": 3})[-1] == [("100% cotton",)]
        assert prepared_on(connection) == []
    plain.dispose()


def test_a_parameter_keeps_its_number_and_its_cast() -> None:
    text = "SELECT '100%%' WHERE a = %(a)s::UUID AND b = %(b)s OR c = %(a)s::UUID"
    prepared = as_prepared(text, {"b": "bigint"})
    assert prepared.prepare.endswith(
        "(unknown, bigint) AS SELECT '100%' WHERE a = $1::UUID AND b = $2 OR c = $1::UUID"
    )
    assert prepared.execute.endswith("(%(a)s::UUID, %(b)s)")
