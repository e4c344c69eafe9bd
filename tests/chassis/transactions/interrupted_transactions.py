"""A green process whose transactions are interrupted at every message; prints what is left of each.

Run by test_transactions.py in a process of its own, because patching cannot be undone.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402

import sqlalchemy as sa  # noqa: E402

from chassis.storage.database import Db, database_url, make_engine  # noqa: E402
from chassis.storage.transactions import session_of  # noqa: E402
from kit.settings import Settings  # noqa: E402

SLEEP = "SELECT pg_sleep(30)"
INSERT = "INSERT INTO notes (text) VALUES ('one')"
Effect = Callable[[sa.Connection], None]


def slow_first(connection: sa.Connection) -> None:
    connection.execute(sa.text(SLEEP))


def slow_second(connection: sa.Connection) -> None:
    connection.execute(sa.text(INSERT))
    connection.execute(sa.text(SLEEP))


def slow_commit(connection: sa.Connection) -> None:
    connection.execute(sa.text(INSERT))
    session_of(connection).send_last(SLEEP)


def slow_python(connection: sa.Connection) -> None:
    connection.execute(sa.text(INSERT))
    eventlet.sleep(30)


def timed_out(db: Db, effect: Effect) -> None:
    with eventlet.Timeout(0.3, False):
        db.write(effect)


def killed(db: Db, effect: Effect) -> None:
    worker = eventlet.spawn(db.write, effect)
    eventlet.sleep(0.3)
    worker.kill()


if __name__ == "__main__":
    settings = Settings(database_url=sys.argv[1], database_pool_size=1)
    db = Db(make_engine(settings, "echo"))
    observer = sa.create_engine(database_url(settings, "echo"), isolation_level="AUTOCOMMIT")
    left = sa.text(
        "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM pg_stat_activity WHERE"
        " application_name = 'microtasks-echo' AND datname = current_database() AND state LIKE 'idle in%')"
    )
    for interrupt in (timed_out, killed):
        for effect in (slow_first, slow_second, slow_commit, slow_python):
            interrupt(db, effect)
            alive = db.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())
            with observer.connect() as connection:
                print(alive, *connection.execute(left).one())  # noqa: T201
    sys.exit(0)
