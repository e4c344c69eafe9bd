"""Concurrent requests of several clients, and how often each of them won."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from client import MarketplaceClient

START_WITHIN_SECONDS = 0.004  # about what one request takes, so that anybody can be first
PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.5
ENOUGH_ROUNDS = 100  # from here on somebody who never wins was never in the race


@dataclass(frozen=True)
class Answer:
    """An answer of the API; `retry` says that an earlier one asked the client to try again."""

    status: int
    body: Any
    replayed: bool
    retry: bool = False

    @property
    def code(self) -> str | None:
        """The problem's code."""
        return self.body.get("code") if self.status >= 400 else None

    @property
    def is_retryable(self) -> bool:
        """Whether a client should try again."""
        return self.status in (503, 504) or self.code == "idempotency_in_progress"


@dataclass(frozen=True, eq=False)
class Contender:
    """One client's request; equal ones are still different contenders."""

    name: str
    client: MarketplaceClient
    method: str
    path: str
    body: Any
    headers: dict[str, str]

    async def ask(self, after_seconds: float = 0.0) -> Answer:
        """Sends the request; a service that is too busy for an answer is asked again under the same key."""
        await asyncio.sleep(after_seconds)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        answer = await self._send()
        while answer.is_retryable and time.monotonic() < give_up_at:
            await asyncio.sleep(PAUSE_SECONDS)
            answer = replace(await self._send(), retry=True)
        return answer

    async def _send(self) -> Answer:
        connection = self.client.connection
        headers = {**connection.authorization(), **self.headers}
        url = connection.base_url + self.path
        async with connection.http.request(self.method, url, json=self.body, headers=headers) as answer:
            body = await answer.json(content_type=None) if answer.status != 204 else None
            return Answer(answer.status, body, answer.headers.get("Idempotency-Replayed") == "true")


async def open_connections(client: MarketplaceClient, connections: int) -> None:
    """Opens that many connections, so that no contender has to shake hands first."""
    await asyncio.gather(*(client.categories() for _ in range(connections)))


@dataclass
class Race:
    """Rounds of one race; the seed decides who starts when."""

    title: str
    rounds: int
    seed: int
    wins: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def delay(self, within_seconds: float = START_WITHIN_SECONDS) -> float:
        """Returns how long after the start of the round a request is sent."""
        return self.random.uniform(0, within_seconds)

    async def run(self, contenders: Sequence[Contender]) -> dict[Contender, Answer]:
        """All of them at once; their answers."""
        answers = await asyncio.gather(*(contender.ask(self.delay()) for contender in contenders))
        return dict(zip(contenders, answers, strict=True))

    def won(self, name: str) -> None:
        """Records the winner of a round."""
        self.wins[name] += 1

    def finish(self, *names: str) -> str:
        """One line about the race; over many rounds everybody must have won at least once."""
        result = ", ".join(f"{name} {self.wins[name]}" for name in names)
        assert sum(self.wins.values()) == self.rounds, result
        assert set(self.wins) <= set(names), result
        if self.rounds >= ENOUGH_ROUNDS:
            assert all(self.wins[name] for name in names), f"was it a race? {result}"
        return f"{self.title}: {self.rounds} rounds, won by {result} (RACE_SEED={self.seed})"
