"""Three brokers that may be killed, frozen and cut off, and what their clients see of it."""

import asyncio
import json
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from chassis.amqp import topology
from client import Problem, Unreachable
from kit.settings import Settings
from tests.compose.project import Project
from tests.faults.load.request_log import RequestLog
from tests.faults.load.users import User
from tests.support.codebase import SERVICES, events

NODES = ("broker-1", "broker-2", "broker-3")
END = "end of the answer"

_MANAGEMENT = """
import base64, json, sys, urllib.request

def answer(node, path, **body):
    request = urllib.request.Request(f"http://{node}:15672/api/{path}", **body)
    operator = base64.b64encode(f"operator:{sys.argv[1]}".encode()).decode()
    request.add_header("Authorization", f"Basic {operator}")
    return urllib.request.urlopen(request, timeout=20).read()
"""
_ASK = (
    _MANAGEMENT
    + """
seen, queues = {}, []
for node in sys.argv[2:]:
    try:
        seen[node] = [n["name"] for n in json.loads(answer(node, "nodes")) if n["running"]]
        queues = queues or json.loads(answer(node, "queues"))
    except OSError:
        seen[node] = []
print(json.dumps({"seen": seen, "queues": queues}))
"""
)
_SPREAD = (
    _MANAGEMENT
    + """
answer("rabbitmq", "rebalance/queues", data=b"")
"""
)


class Cluster(Project):
    """The project with docker-compose.cluster.yml, and the request log of all who live there."""

    def __init__(self) -> None:
        super().__init__("microtasks-cluster-test", "docker-compose.cluster.yml")
        self.request_log = RequestLog()
        self._password = token_hex(16)
        self._environment |= {"RABBITMQ_PASSWORD": self._password}

    def ask(self, *nodes: str) -> tuple[dict[str, set[str]], list[Any]]:
        """Which nodes each of `nodes` sees running (none when it does not answer), and what the first
        that answers knows of all queues."""
        answered = json.loads(self.python("accounts", _ASK, self._password, *(nodes or NODES)))
        return {node: set(seen) for node, seen in answered["seen"].items()}, answered["queues"]

    def shared_queues(self) -> dict[str, Any]:
        """The queues that outlive their clients, by name."""
        return _shared(self.ask()[1])

    def leads(self) -> Counter[str]:
        """How many of them each node leads."""
        return Counter(queue["leader"].removeprefix("rabbit@") for queue in self.shared_queues().values())

    def spread_leaders(self) -> None:
        """Gives each node its part of the queues to lead."""
        self.python("accounts", _SPREAD, self._password)

    def is_whole(self) -> bool:
        """Whether every node sees all nodes, and every shared queue has three members at work."""
        seen, queues = self.ask()
        online = [queue.get("online", ()) for queue in _shared(queues).values()]
        return all(len(nodes) == len(NODES) for nodes in (*seen.values(), *online)) and bool(online)

    def cut_off(self, node: str) -> None:
        """Takes a node off the network, alive."""
        _docker("network", "disconnect", f"{self.name}_back", self._container(node))

    def connect(self, node: str) -> None:
        """Gives it back its place on the network."""
        _docker("network", "connect", "--alias", node, f"{self.name}_back", self._container(node))

    def as_operator(self, program: str) -> str:
        """Runs a Python program that may use the operator's password."""
        return self.compose(
            "run", "--rm", "-T", "--no-deps", "--entrypoint", "python3", "broker-rights", "-", stdin=program
        )

    def _container(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()


def _shared(queues: list[Any]) -> dict[str, Any]:
    names = set(topology.queue_names(Settings(), SERVICES, events()))
    return {queue["name"]: queue for queue in queues if queue["name"] in names}


def _docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True, timeout=60)


class DatabaseReader:
    """Reads all databases of a project inside a `with` block, by one psql each that stays there."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._open: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._open.values():
            process.communicate(timeout=60)

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of one service's database, with numbers, booleans and nulls as such."""
        if service not in self._open:
            self._open[service] = self._connect(service)
        process = self._open[service]
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"SELECT coalesce(json_agg(r), '[]') FROM ({query}) r;\n\\echo {END}\n")
        process.stdin.flush()
        printed = ""
        while (line := process.stdout.readline()) != f"{END}\n":
            assert line, f"{service} refused {query}"
            printed += line
        rows: list[tuple[Any, ...]] = json.loads(printed, object_pairs_hook=_values)
        return rows

    def _connect(self, service: str) -> subprocess.Popen[str]:
        psql = ("psql", "-U", "postgres", "-d", f"microtasks_{service}", "-qAt", "-v", "ON_ERROR_STOP=1")
        return self._project.talk("exec", "-T", "postgres", *psql)


def _values(row: list[tuple[str, Any]]) -> tuple[Any, ...]:
    return tuple(value for _name, value in row)  # columns without a name share one


class Callers:
    """Somebody who asks each service over and over, without patience, inside a `with` block.

    `longest` tells, by service, the longest time between two good answers.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.longest: defaultdict[str, float] = defaultdict(float)
        self._user = User(cluster.url, cluster.request_log)
        self._asking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._user.arrive()
        client = self._user.client
        client.connection.patience_seconds = 0.0
        questions: dict[str, Callable[[], Awaitable[object]]] = {
            "accounts": client.me,
            "catalog": client.own_services,
            "orders": lambda: client.orders("customer"),
            "messaging": client.threads,
        }
        self._asking = [asyncio.create_task(self._ask(*question)) for question in questions.items()]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._user.client.close()

    async def refusal(self) -> tuple[int, float]:
        """The status of the next call that is refused, and the seconds that took."""
        while True:
            began = time.monotonic()
            try:
                await self._user.client.me()
            except Problem as problem:
                return problem.status, time.monotonic() - began
            await asyncio.sleep(0.05)

    async def _ask(self, service: str, question: Callable[[], Awaitable[object]]) -> None:
        answered_at = time.monotonic()
        while True:
            try:
                await question()
            except (Problem, Unreachable):
                pass
            else:
                now = time.monotonic()
                self.longest[service] = max(self.longest[service], now - answered_at)
                answered_at = now
            await asyncio.sleep(0.05)
