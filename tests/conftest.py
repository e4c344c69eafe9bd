"""Servers, databases and broker names for the tests: one private set per test process."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from chassis.amqp import topology
from kit.settings import Settings, load
from tests.support import codebase
from tests.support.found_servers import Servers
from tests.support.servers import MISSING, NOT_RUN, broker_connection, require_servers, with_database
from tests.support.service_harness import release_connections
from tests.support.stack import Stack

NEED_SERVERS = {"servers", "stack"}
SERVER_URL = "MICROTASKS_TESTS_SERVER_URL"

_servers: Servers | None = None
_folder: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """The first process finds or starts the servers; every process takes names of its own."""
    global _servers, _folder
    if not hasattr(config, "workerinput"):
        if not config.option.basetemp:
            # pytest's own root folder is closed again by every other pytest that starts, also to
            # the account that an embedded PostgreSQL runs under.
            _folder = Path(tempfile.mkdtemp(prefix="microtasks-tests-"))
            config.option.basetemp = str(_folder / "tests")
        _servers = Servers()
        _servers.find_or_start()
        os.environ["AMQP_URL"] = _servers.amqp_url
        os.environ[SERVER_URL] = _servers.database_url
        os.environ[MISSING] = " and ".join(_servers.missing)
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{secrets.token_hex(3)}"
    os.environ["DATABASE_URL"] = with_database(os.environ[SERVER_URL], f"{name}_{{service}}")
    os.environ["BROKER_PREFIX"] = f"{name}-"
    if _folder is not None:
        os.environ["DATA_DIR"] = str(_folder / "own")  # keys of this run, for every process of it


def pytest_unconfigure(config: pytest.Config) -> None:
    """Deletes databases and queues of this run from shared servers."""
    if not os.environ.get(MISSING):
        _drop_databases()
        _drop_queues()
    if _servers is not None:
        _servers.close()
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around xdist, which reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Tests that use the servers' fixtures are marked so; those of one stack stay in one process."""
    _mark(items)
    result = yield
    for item in items:
        # pytest-xdist 3.8 writes a test's group to where pytest kept its id before 9.2.
        if grouped := vars(item).get("_nodeid"):
            item._id = item.id.parse(grouped)
    return result


def _mark(items: list[pytest.Item]) -> None:
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if used & NEED_SERVERS and item.get_closest_marker("servers") is None:
            item.add_marker(pytest.mark.servers)
        if "stack" in used:
            item.add_marker(pytest.mark.xdist_group("stack"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without servers their tests do not run."""
    if item.get_closest_marker("servers"):
        require_servers()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Reports which tests did not run for lack of servers."""
    not_run = [r for r in terminalreporter.stats.get("skipped", []) if NOT_RUN in str(r.longrepr)]
    if not_run:
        terminalreporter.section("NOT PROVED", sep="!", red=True, bold=True)
        for reason in sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in not_run}):
            count = sum(reason in str(report.longrepr) for report in not_run)
            terminalreporter.line(f"{count} tests were {reason}.")
        terminalreporter.line("Servers are named with AMQP_URL and DATABASE_URL, a browser with CHROMIUM.")


@pytest.fixture(scope="session")
def servers() -> Settings:
    """The settings that reach this test process's own databases and broker names."""
    return load(Settings)


@pytest.fixture(scope="session")
def stack(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole marketplace as separate processes: three of orders, two of messaging, else one."""
    with Stack(tmp_path_factory.mktemp("stack"), servers) as stack:
        stack.migrate()
        stack.start_all(orders=3, messaging=2)
        yield stack


@pytest.fixture(scope="module", autouse=True)
def _released_connections() -> Iterator[None]:
    """The races of one module keep no connection from the next."""
    yield
    release_connections()


@pytest.fixture(autouse=True)
def _restored_stack(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails shows its processes' logs, and leaves no stopped process to the next."""
    yield
    if "stack" in request.fixturenames:
        stack: Stack = request.getfixturevalue("stack")
        if request.session.testsfailed:
            print(stack.log_tails())  # noqa: T201
        stack.restore()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return codebase.ROOT


def _own_prefix() -> str:
    return os.environ["BROKER_PREFIX"].removesuffix("-")


def _drop_databases() -> None:
    with closing(psycopg2.connect(os.environ[SERVER_URL], connect_timeout=5)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (_own_prefix(),))
        for (database,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def _drop_queues() -> None:
    settings = load(Settings)
    with closing(broker_connection(os.environ["AMQP_URL"])) as connection:
        channel = connection.channel()
        for queue in topology.queue_names(settings, codebase.SERVICES, codebase.events()):
            channel.queue_delete(queue)
        for service in codebase.SERVICES:
            channel.exchange_delete(topology.events_exchange(settings, service))
        channel.exchange_delete(topology.rpc_exchange(settings))
        channel.exchange_delete(topology.dead_letter_exchange(settings))
