"""A service's migrations and its models say the same, along one line of history."""

import ast
import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import URL

from chassis.storage.database import database_url
from kit.settings import Settings
from services.migrations import alembic_config, upgrade
from tests.support import codebase

# Triggers, constraint triggers among them, are made by migrations alone.
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype NOT IN ('n', 't')
"""


def metadata_of(service: str) -> MetaData:
    """The tables a service's models declare."""
    models = importlib.import_module(f"services.{service}.models")
    found = [value for value in vars(models).values() if isinstance(value, MetaData)]
    assert len(found) == 1
    return found[0]


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """One connection."""
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def migrated(service: str, settings: Settings) -> URL:
    """A database as `migrate` makes it."""
    url = database_url(settings, f"migrated_{service}")
    upgrade(service, url.render_as_string(hide_password=False))
    return url


def modelled(service: str, settings: Settings, like: Connection) -> URL:
    """A database as the models alone would make it."""
    url = database_url(settings, f"modelled_{service}")
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{url.database}"'))
    server.dispose()
    with connected(url) as connection:
        for extension in like.execute(text("SELECT extname FROM pg_extension")).scalars():
            connection.execute(text(f'CREATE EXTENSION IF NOT EXISTS "{extension}"'))
        metadata_of(service).create_all(connection)
        connection.commit()
    return url


def facts(connection: Connection, query: str) -> set[str]:
    """What the server itself says about its tables, less Alembic's own one."""
    return {fact for fact in connection.execute(text(query)).scalars() if "alembic_version" not in fact}


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_a_migrated_database_is_what_the_models_say(service: str, servers: Settings) -> None:
    with connected(migrated(service, servers)) as connection:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            # Expressions of indexes come back from the server in its own words; compared below.
            "include_object": lambda _thing, _name, kind, _reflected, _other: kind != "index",
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata_of(service)) == []
        with connected(modelled(service, servers, connection)) as other:
            assert facts(connection, INDEXES) == facts(other, INDEXES)
            assert facts(connection, CONSTRAINTS) == facts(other, CONSTRAINTS)


def unfrozen(source: str) -> set[str]:
    """What a migration uses of today's declarations: they change, a migration that shipped must not."""
    nodes = list(ast.walk(ast.parse(source)))
    calls = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"create_all", "drop_all"}
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    declarations = ("models", "tables")
    return calls | {module for module in modules if module.rpartition(".")[2] in declarations}


def test_no_migration_uses_todays_declarations() -> None:
    shared = codebase.ROOT / "chassis/storage/migrations.py"
    sources = [shared, *codebase.ROOT.glob("services/*/migrations/*.py")]
    assert len(sources) > len(codebase.SERVICES)
    assert {path.as_posix(): used for path in sources if (used := unfrozen(path.read_text()))} == {}


@pytest.mark.parametrize(
    "line",
    ["from services.orders.models import ORDERS", "import chassis.storage.tables", "metadata.create_all(c)"],
)
def test_a_migration_that_uses_them_is_found(line: str) -> None:
    assert unfrozen(line)


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_migrating_again_changes_nothing(service: str, servers: Settings) -> None:
    revisions = []
    for _ in range(2):
        with connected(migrated(service, servers)) as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
            revisions.append(list(found))
    assert revisions[0] == revisions[1]
    assert len(revisions[0]) == 1


@pytest.mark.parametrize("service", codebase.SERVICES)
def test_history_is_one_line(service: str) -> None:
    history = ScriptDirectory.from_config(alembic_config(service))
    assert len(history.get_heads()) == 1
    assert len(history.get_bases()) == 1
    for revision in history.walk_revisions():
        assert not revision.is_merge_point
        assert not revision.is_branch_point
