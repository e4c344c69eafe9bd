"""The marketplace that is measured: private servers, one process of each service, prepared data."""

import json
import shutil
import tempfile
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client import MarketplaceClient
from kit.settings import Settings
from tests.load.draining import Draining
from tests.load.http_load import HttpRequest
from tests.load.processes import cpu_seconds, resident_mib, tree_cpu_seconds
from tests.support.private_postgres import PostgresServer
from tests.support.private_rabbit import RabbitServer
from tests.support.servers import with_database
from tests.support.stack import Stack

PASSWORD = "a long enough pass phrase, 7 cats"
PATIENCE_SECONDS = 120.0  # preparation may meet a machine that does much else
PRICE = {"amount": 4500, "currency": "EUR"}
# Limits and quotas are lifted: everything comes from one address and a few accounts.
ENVIRONMENT = {
    "PENDING_ORDERS": "100000000",
    "PENDING_ORDERS_PER_PROVIDER": "100000000",
    "SERVICES_PER_ACCOUNT": "100000000",
    "REQUEST_LIMIT_PER_MINUTE": "100000000",
    "ENTRANCE_LIMIT_PER_MINUTE": "100000000",
    "SIGN_UPS_PER_DAY": "0",
    "STREAM_LIMIT_PER_ADDRESS": "0",
    "STREAM_LIMIT_PER_ACCOUNT": "100000",
    "OVERDUE_BLOCKS_ORDERS": "false",
    "ACCESS_TOKEN_SECONDS": "7200",
    "DATABASE_POOL_SIZE": "10",
    "LOG_LEVEL": "WARNING",
}


@dataclass
class Account:
    """A signed-in account and its client."""

    client: MarketplaceClient
    id: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The header that authenticates it."""
        assert self.client.session is not None
        return (("Authorization", f"Bearer {self.client.session['access_token']}"),)

    def get(self, path: str) -> HttpRequest:
        """A read in its name."""
        return HttpRequest("GET", path, self.headers)

    def post(self, path: str, body: Any) -> HttpRequest:
        """A write in its name, with a new idempotency key."""
        headers = (
            *self.headers,
            ("Content-Type", "application/json"),
            ("Idempotency-Key", str(uuid.uuid4())),
        )
        return HttpRequest("POST", path, headers, json.dumps(body).encode())


@dataclass
class CpuReading:
    """CPU seconds by process, with `database` and `broker`."""

    seconds: dict[str, float] = field(default_factory=dict)

    def since(self, earlier: "CpuReading") -> dict[str, float]:
        """What was used between two readings."""
        return {name: used - earlier.seconds[name] for name, used in self.seconds.items()}


class LoadMarketplace:
    """A context manager: everything started and migrated, and stopped again."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._clients: list[MarketplaceClient] = []
        folder = Path(tempfile.mkdtemp(prefix="microtasks-load-"))
        self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        self.postgres = PostgresServer(folder / "postgres")
        self._closing.callback(self.postgres.close)
        self.rabbit = RabbitServer(folder / "rabbit")
        self._closing.callback(self.rabbit.close)
        self.settings = Settings(
            amqp_url=self.rabbit.url,
            database_url=with_database(self.postgres.url, "microtasks_{service}"),
        )
        self.stack = Stack(folder, self.settings, **ENVIRONMENT)
        self._draining = Draining(self.database_url)

    def __enter__(self) -> "LoadMarketplace":
        with ExitStack() as starting:
            starting.callback(self._closing.close)
            self.postgres.start()
            self.rabbit.start()
            self.stack.migrate()
            self._closing.enter_context(self.stack)
            self.stack.start_all()
            starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def port(self) -> int:
        """The gateway's."""
        return self.stack.port

    def database_url(self, service: str) -> str:
        """Where a service's data is."""
        return self.settings.database_url.replace("{service}", service)

    def wait_until_drained(self) -> None:
        """Waits until every event is processed by all its consumers. Raises: AssertionError."""
        self._draining.wait()

    def cpu(self) -> CpuReading:
        """CPU time used so far."""
        used: dict[str, float] = {}
        for process in self.stack.processes:
            used[process.name] = used.get(process.name, 0.0) + cpu_seconds(process.pid)
        used["database"] = tree_cpu_seconds(self.postgres.pid)
        used["broker"] = tree_cpu_seconds(self.rabbit.pid)
        return CpuReading(used)

    def memory_mib(self) -> dict[str, float]:
        """Resident memory by process."""
        return {process.name: round(resident_mib(process.pid), 1) for process in self.stack.processes}

    async def sign_up(self, name: str) -> Account:
        """A new account, signed in."""
        client = MarketplaceClient(self.stack.url, PATIENCE_SECONDS)
        email = f"{uuid.uuid4().hex}@example.com"
        account = await client.register_account(email, PASSWORD, name)
        await client.sign_in(email, PASSWORD)
        self._clients.append(client)
        return Account(client, account["id"])

    async def close_clients(self) -> None:
        """Closes the connections of all accounts."""
        for client in self._clients:
            await client.close()

    async def post_service(self, provider: Account) -> str:
        """A service to order, by its id."""
        service = await provider.client.post_service(
            "A logo for your shop",
            "Three drafts, two rounds of changes, and the files.",
            "design",
            {"amount": 4500, "currency": "EUR"},
            delivery_days=3,
            revisions=2,
        )
        return service["id"]
