"""The statements that one whole order really sends to PostgreSQL, replayed by pgbench.

They are taken from the log of the marketplace's own server, in all six databases. For the replay, ids
that the order made get a new number in each run, and everything happens in copies of the databases.
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from services.registry import NAMES
from tests.load.marketplace import LoadMarketplace
from tests.load.replay.sql_text import inlined, split_statements
from tests.support.private_server import newest_binary
from tests.support.servers import with_database

CLIENTS, THREADS = 8, 2
RUN_NUMBER = "run_number"
_PREFIX = re.compile(
    r"<(?P<session>[0-9a-f.]+)\|(?P<database>\w*)> (?P<level>\w+):  ?(?P<text>.*)", re.DOTALL
)
_SENT = re.compile(r"(?:statement|execute [^:]+): (?P<sql>.*)", re.DOTALL)
_PREPARED = re.compile(r"prepare: (?P<sql>.*)", re.DOTALL)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_BEGIN, _END = re.compile(r"\s*BEGIN\b", re.I), re.compile(r"(?:^|;)\s*(COMMIT|ROLLBACK)\s*;?\s*$", re.I)


@dataclass
class Recorded:
    """What one lifecycle sent, by service: transactions in the order of their ends."""

    transactions: dict[str, list[str]]

    @property
    def count(self) -> int:
        """How many transactions and single reads."""
        return sum(map(len, self.transactions.values()))


def pgbench_is_installed() -> bool:
    """Whether `pgbench` can be found."""
    return _pgbench() is not None


def record(market: LoadMarketplace, act: Callable[[], None]) -> Recorded:
    """Runs `act` and returns what the services sent to PostgreSQL meanwhile."""
    log = market.postgres.folder / "postgres.log"
    _log_statements(market, "all")
    start = log.stat().st_size
    before = _known_ids(market)
    act()
    _log_statements(market, "none")
    with open(log, encoding="utf-8") as lines:
        lines.seek(start)
        entries = list(entries_of(lines.read()))
    return Recorded(
        {
            name: [
                renumbered(transaction, before, _outbox(market, name))
                for transaction in transactions_of(entries, f"microtasks_{name}")
            ]
            for name in NAMES
        }
    )


def replays_per_second(market: LoadMarketplace, recorded: Recorded, seconds: float, folder: Path) -> float:
    """How many of these lifecycles PostgreSQL alone manages: all statements of all six databases."""
    _copy_databases(market)
    total = 0.0
    for name, transactions in recorded.transactions.items():
        if transactions:
            script = folder / f"{name}.sql"
            script.write_text(_script(transactions))
            total += 1 / _replay(market, name, script, seconds)
    _drop_copies(market)
    return 1 / total


def entries_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Session, database and statement of what was logged, prepared statements with their values."""
    last: tuple[str, str, str] | None = None
    for entry in re.split(r"\n(?!\t)", text):
        found = _PREFIX.match(entry.replace("\n\t", "\n"))
        if found is None:
            continue
        if found["level"] == "DETAIL" and last is not None:
            if prepared := _PREPARED.match(found["text"]):
                last = (last[0], last[1], inlined(prepared["sql"], last[2]))
            continue
        if last is not None:
            yield last
        sent = _SENT.match(found["text"]) if found["level"] == "LOG" else None
        last = None if sent is None else (found["session"], found["database"], sent["sql"])
    if last is not None:
        yield last


def transactions_of(entries: Sequence[tuple[str, str, str]], database: str) -> Iterator[str]:
    """Whole transactions and single reads, each as text that can be sent again."""
    opened: dict[str, list[str]] = {}
    for session, of_database, statement in entries:
        if of_database != database:
            continue
        if _BEGIN.match(statement):
            opened[session] = []
        if session not in opened:
            yield _as_sent(statement)
            continue
        opened[session].append(_as_sent(statement))
        if end := _END.search(statement):
            sent = opened.pop(session)
            if end[1].upper() == "COMMIT":
                yield "\n".join(sent)


def _as_sent(statement: str) -> str:
    return " \\;\n".join(split_statements(statement)) + ";"


def renumbered(transaction: str, known: set[str], outbox: dict[str, str]) -> str:
    """The transaction with a variable in each id that is new with every order."""
    if "UPDATE outbox" in transaction:
        transaction = re.sub(
            r"\b\d+\b",
            lambda n: (
                f"(SELECT id FROM outbox WHERE event_id = '{outbox[n[0]]}')" if n[0] in outbox else n[0]
            ),
            transaction,
        )
    return _UUID.sub(lambda id_: id_[0] if id_[0] in known else f"{id_[0][:24]}:{RUN_NUMBER}", transaction)


def _script(transactions: Sequence[str]) -> str:
    return "\n".join([f"\\set {RUN_NUMBER} random(100000000000, 999999999999)", *transactions, ""])


def _replay(market: LoadMarketplace, name: str, script: Path, seconds: float) -> float:
    command = [str(_pgbench()), "--no-vacuum", "--client", str(CLIENTS), "--jobs", str(THREADS)]
    command += [
        "--time",
        str(max(1, int(seconds))),
        "--file",
        str(script),
        _copy_url(market, name),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench on {name}: {done.stderr[-2000:]}")
    return float(found[1])


def _copy_url(market: LoadMarketplace, name: str) -> str:
    return with_database(market.postgres.url, f"replay_{name}")


def _copy_databases(market: LoadMarketplace) -> None:
    """Copies of the six databases; a copied one has no connections, so the processes stand still."""
    for process in market.stack.processes:
        process.pause()
    _drop_copies(market)
    market.postgres.end_connections()
    for name in NAMES:
        _administer(market, "CREATE DATABASE {} TEMPLATE {}", f"replay_{name}", f"microtasks_{name}")
    for process in market.stack.processes:
        process.resume()


def _drop_copies(market: LoadMarketplace) -> None:
    for name in NAMES:
        _administer(market, "DROP DATABASE IF EXISTS {} WITH (FORCE)", f"replay_{name}")


def _log_statements(market: LoadMarketplace, which: str) -> None:
    _administer(market, "ALTER SYSTEM SET log_line_prefix = '<%c|%d> '")
    _administer(market, f"ALTER SYSTEM SET log_statement = '{which}'")
    _administer(market, "SELECT pg_reload_conf()")


def _administer(market: LoadMarketplace, statement: str, *names: str) -> None:
    connection = psycopg2.connect(market.postgres.url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    finally:
        connection.close()


def _known_ids(market: LoadMarketplace) -> set[str]:
    """The accounts and services that every order refers to."""
    queries = {
        "accounts": "SELECT id FROM accounts UNION SELECT id FROM sessions",
        "catalog": "SELECT id FROM services",
    }
    return {id_ for name, query in queries.items() for (id_,) in _rows(market, name, query)}


def _outbox(market: LoadMarketplace, name: str) -> dict[str, str]:
    rows = _rows(market, name, "SELECT id, event_id FROM outbox ORDER BY id DESC LIMIT 1000")
    return {row[0]: row[1] for row in rows}


def _rows(market: LoadMarketplace, name: str, query: str) -> list[tuple[str, ...]]:
    connection = psycopg2.connect(market.database_url(name))
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(map(str, row)) for row in cursor.fetchall()]
    finally:
        connection.close()


def _pgbench() -> str | None:
    return newest_binary("pgbench", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
