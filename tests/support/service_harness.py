"""One service's real Nameko class on a real, private database; only the transport is left out."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
import uuid6
from marshmallow import ValidationError
from psycopg2 import OperationalError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import CacheStats

from chassis.amqp.event_work import NewDelivery
from chassis.amqp.rpc_client import ServiceClient
from chassis.runtime.context import Call, IdempotencyKey, enter
from chassis.runtime.settings_provider import SettingsProvider
from chassis.storage.database import Database, Db, make_engine
from chassis.storage.outbox import row
from chassis.storage.tables import OUTBOX
from kit.contracts import Event, Rpc
from kit.errors import Invalid, field_errors
from kit.security.tokens import Caller, Verifier, verifying_keys
from kit.settings import Settings, load, own_secrets
from kit.validation import rfc3339
from services.accounts.credentials.signing import Signer
from services.migrations import upgrade
from services.registry import class_of
from tests.support.servers import require_servers

CONNECT_SECONDS = 10.0
ADDRESS = "192.0.2.1"


def _connect_when_possible(dialect: Any, _record: Any, args: Any, options: Any) -> Any:
    """Waits while other tests use all connections of the server."""
    give_up_at = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return dialect.connect(*args, **options)
        except OperationalError as error:
            if "too many clients" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


class Harness:
    """A service without a broker: call its methods, deliver its events, run its timers."""

    def __init__(
        self, name: str, settings: Settings, remote: dict[str, Any], overrides: dict[type, dict[str, Any]]
    ) -> None:
        self.name = name
        self.settings = settings
        self.cls = class_of(name)
        self.engine = make_engine(settings, name)
        self.db = Db(self.engine)
        self.verifier = Verifier(verifying_keys(settings), 30)
        self.signer = Signer(own_secrets()["TOKEN_SIGNING_KEY"])
        self.replayed = False
        self.statements: list[str] = []
        self.compiled: list[str] = []
        self.never_cached: set[str] = set()
        self._remote = remote
        self._overrides = overrides
        sa.event.listen(self.engine, "before_cursor_execute", self._record_statement)
        sa.event.listen(self.engine, "do_connect", _connect_when_possible)

    def _record_statement(
        self, _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        self.statements.append(statement)
        if context.compiled is None or context.cache_hit is CacheStats.CACHE_HIT:
            return
        self.compiled.append(statement)
        if context.cache_hit is not CacheStats.CACHE_MISS and "SAVEPOINT" not in statement:
            self.never_cached.add(statement)

    def instance(self, call: Call) -> Any:
        """The service object with its dependencies, as Nameko would inject them."""
        service = self.cls()
        for attribute, provider in vars(self.cls).items():
            if isinstance(provider, Database):
                setattr(service, attribute, self.db)
            elif isinstance(provider, ServiceClient):
                setattr(service, attribute, self._remote.get(provider.service, _nobody(provider.service)))
            elif isinstance(provider, SettingsProvider):
                cls = provider._cls
                setattr(service, attribute, load(cls, **self._overrides.get(cls, {})))
        service.call = call
        return service

    def token(self, caller: Caller) -> str:
        """An access token for a caller."""
        now = int(time.time())
        return self.signer.sign(caller.id, caller.session_id, caller.display_name, caller.roles, now, 600)

    def call_as(
        self,
        caller: Caller | None,
        contract: Rpc,
        key: str | None = None,
        fingerprint: str = "same",
        address: str = ADDRESS,
        **arguments: Any,
    ) -> Any:
        """Calls a method as the gateway would; raises the error of the caller."""
        scope = caller.id if caller else "address:test"
        if key is None and contract.mutates:
            key = str(uuid.uuid4())
        call = Call(
            verifier=self.verifier,
            deadline=float("inf"),
            request_id="test",
            address=address,
            access_token=None if caller is None else self.token(caller),
            idempotency=None if key is None else IdempotencyKey(scope, key, fingerprint),
        )
        try:
            accepted = contract.accept(arguments)
        except ValidationError as error:
            raise Invalid("bad arguments", errors=field_errors(error.messages_dict)) from error
        enter(f"test.{contract.method}", None)
        self.statements = []
        answer = getattr(self.instance(call), contract.method)(**accepted)
        self.replayed = call.replayed
        return answer

    def deliver(self, contract: Event, event: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Delivers an event (a made one, or the same again) through inbox and transaction."""
        body: dict[str, Any] = event or row(contract, **fields)["body"]
        loaded = contract.load(body)
        work = NewDelivery(f"{contract.owner}.{contract.type}", contract, loaded, self.settings, lambda: True)
        call = Call(verifier=self.verifier, deadline=float("inf"))
        self.statements = []
        getattr(self.instance(call), contract.handler)(work)
        return body

    def tick(self, timer: str) -> Any:
        """Runs a timer's method once."""
        self.statements = []
        return getattr(self.instance(Call(verifier=self.verifier, deadline=float("inf"))), timer)()

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The events recorded so far, oldest first: their fields and `type`."""
        rows = self.db.read(
            lambda c: c.execute(sa.select(OUTBOX.c.type, OUTBOX.c.body).order_by(OUTBOX.c.id)).all()
        )
        return [{"type": r.type, **r.body} for r in rows if kind in (None, r.type)]

    def failed_events(self) -> list[Any]:
        """Returns the rows of failed_events."""
        return self.db.read(lambda c: list(c.execute(sa.text("SELECT * FROM failed_events"))))

    def execute(self, sql: str, **values: Any) -> Any:
        """Runs SQL in a transaction, to change times and read rows."""

        def run(connection: sa.Connection) -> Any:
            result = connection.execute(sa.text(sql), values)
            return result.all() if result.returns_rows else result.rowcount

        return self.db.write(run)


_live: set[Harness] = set()


def release_connections() -> None:
    """Closes what pools keep open: a usual server has 100 connections for all test processes."""
    for harness in _live:
        harness.engine.dispose()


@contextmanager
def make_service(
    name: str,
    remote: dict[str, Callable[..., Any]] | None = None,
    overrides: dict[type, dict[str, Any]] | None = None,
    locale: str | None = None,
    revision: str = "head",
    **settings: Any,
) -> Iterator[Harness]:
    """A migrated private database with the service on it, of the server's locale unless said."""
    require_servers()
    server = make_url(os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"))
    database = f"test_{name}_{uuid.uuid4().hex[:12]}"
    url = server.set(drivername="postgresql+psycopg2", database=database).render_as_string(
        hide_password=False
    )
    loaded = load(Settings, **{"database_url": url, "database_pool_size": 40, **settings})
    if locale is not None:
        create_database(make_url(url), locale)
    upgrade(name, url, revision)
    harness = Harness(name, loaded, remote or {}, overrides or {})
    _live.add(harness)
    try:
        yield harness
        assert harness.never_cached == set(), "compiled by SQLAlchemy on each execution"
    finally:
        _live.discard(harness)
        harness.engine.dispose()
        admin = sa.create_engine(
            server.set(drivername="postgresql+psycopg2", database="postgres"), isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{database}" WITH (FORCE)'))
        admin.dispose()


def create_database(url: URL, locale: str) -> None:
    """Creates a database of another locale; ends the test here where the server has none such."""
    admin = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    of_locale = f"TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE '{locale}' LC_CTYPE '{locale}'"
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{url.database}" {of_locale}'))
    except sa.exc.ProgrammingError as error:
        if "invalid locale name" not in str(error):
            raise
        pytest.skip(f"the server has no locale {locale}")
    finally:
        admin.dispose()


def person(name: str = "Ada", *roles: str) -> Caller:
    """A signed-in person with a new id."""
    return Caller(str(uuid6.uuid7()), name, frozenset({"member", *roles}), str(uuid6.uuid7()))


def timestamp_now() -> str:
    """Returns the current time as the API writes it."""
    from datetime import UTC, datetime

    return rfc3339(datetime.now(UTC))


def _nobody(service: str) -> Callable[..., Any]:
    def ask(*_arguments: Any, **_named: Any) -> Any:
        raise AssertionError(f"this test did not expect a call to {service}")

    return ask
