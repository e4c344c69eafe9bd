"""Many orders from a few: real rows of all six databases, copied with new ids and earlier times."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from tests.support.bulk_loading import bulk_loading

SECONDS_APART = 600  # between a copy and the next, so that ids of a copy lie together as real ones do
UNCHANGING = ("alembic_version", "categories", "counted_attempts", "ledger_audits", "operator_acts")
RETAINED_FOR_DAYS = ("outbox", "inbox", "failed_events", "idempotency", "processor_events", "refresh_tokens")
"""Tables whose rows are removed after some time: their size follows from orders a day."""

_CLONE_ID = f"""
    CREATE FUNCTION clone_id(original uuid, copy integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT CAST(
            lpad(to_hex(CAST('x' || replace(left(CAST(original AS text), 13), '-', '') AS bit(48))::bigint
                        - copy * {SECONDS_APART}000::bigint), 12, '0')
            || '7' || substr(changed, 1, 3) || '8' || substr(changed, 4, 15) AS uuid)
        FROM (SELECT md5(CAST(original AS text) || copy) AS changed) AS made
    $$
"""
_COLUMNS = text("""
    SELECT c.table_name, c.column_name, c.data_type,
           EXISTS (
               SELECT FROM pg_index AS i JOIN pg_attribute AS a
                 ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) AND a.attname = c.column_name
               WHERE i.indrelid = CAST(quote_ident(c.table_name) AS regclass) AND i.indisunique
                 AND NOT EXISTS (
                     SELECT FROM pg_attribute AS other
                     WHERE other.attrelid = i.indrelid AND other.attnum = ANY(i.indkey)
                       AND other.atttypid = CAST('uuid' AS regtype)
                 )
           ) AS is_key
    FROM information_schema.columns AS c
    JOIN information_schema.tables AS t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
      AND c.is_identity = 'NO' AND c.is_generated = 'NEVER'
      AND coalesce(c.column_default, '') NOT LIKE 'nextval%'
    ORDER BY c.table_name, c.ordinal_position
""")


@dataclass(frozen=True)
class Column:
    """A column that copies fill; `is_key` when it alone keeps a copy apart from its original."""

    name: str
    type: str
    is_key: bool

    @property
    def expression(self) -> str:
        """Its value in a copy."""
        name = f'"{self.name}"'
        if self.type == "uuid":
            return f"clone_id({name}, copy)"
        if self.type == "timestamp with time zone":
            return f"{name} - copy * interval '{SECONDS_APART} seconds'"
        if self.is_key and self.type == "text":
            return f"left({name}, greatest(length({name}) - 8, 0)) || lpad(to_hex(copy), 8, '0')"
        if self.is_key and self.type == "bytea":
            return f"sha256({name} || CAST(CAST(copy AS text) AS bytea))"
        return name


class Sample:
    """The rows that one database holds now, to be copied later."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.begin() as connection:
            connection.execute(text(_CLONE_ID))
            connection.execute(text("CREATE SCHEMA sample"))
            self.tables = dict(_tables(connection))
            for table in self.tables:
                connection.execute(text(f'CREATE TABLE sample."{table}" AS TABLE public."{table}"'))

    def clone(self, first: int, last: int, leave_out: tuple[str, ...] = ()) -> None:
        """Adds copies of the sample, by their numbers, and vacuums."""
        for table, columns in self.tables.items():
            if table in leave_out:
                continue
            names = ", ".join(f'"{column.name}"' for column in columns)
            values = ", ".join(column.expression for column in columns)
            statement = (
                f'INSERT INTO public."{table}" ({names}) SELECT {values}'
                f' FROM generate_series({first}, {last}) AS copy, sample."{table}" ON CONFLICT DO NOTHING'
            )
            with self._engine.begin() as connection, bulk_loading(connection, table):
                connection.execute(text(statement))
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _tables(connection: Connection) -> Iterator[tuple[str, list[Column]]]:
    found: dict[str, list[Column]] = {}
    for row in connection.execute(_COLUMNS):
        column = Column(row.column_name, row.data_type, row.is_key)
        found.setdefault(row.table_name, []).append(column)
    return ((name, columns) for name, columns in found.items() if name not in UNCHANGING)
