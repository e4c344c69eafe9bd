"""The request log: what people asked of the marketplace, and what they were answered.

Everything asked carries a mark of its own in some text, so that its effect is found again in the
databases, however often it was sent and whatever was answered.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from client import Problem, Unreachable

Outcome = Literal["under way", "acknowledged", "refused", "unknown"]
Call = Callable[[str, str], Awaitable[Any]]  # by mark and idempotency key

MARK = re.compile(r"m\d{7}")
AWAY = frozenset({429, 503, 504})
# What somebody may be told who comes too late; anything else said to these people is wrong.
TOO_LATE = {("transition", "invalid_transition"), ("order", "price_changed")}


@dataclass
class Attempt:
    """One thing asked. `subject` is what it was asked of, `id` the id in the answer."""

    kind: str
    mark: str
    subject: str | None
    outcome: Outcome = "under way"
    id: str | None = None


class RequestLog:
    """Every attempt of every person, oldest first."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.surprises: list[str] = []
        self._run = uuid4().hex

    def count(self, outcome: Outcome, since: int = 0) -> int:
        """How many attempts ended so, from the `since`th on."""
        return sum(attempt.outcome == outcome for attempt in self.attempts[since:])

    async def attempt(self, kind: str, call: Call, subject: str | None = None, duplicates: int = 1) -> Any:
        """The answer to one request, sent by so many `duplicates` at once under one key; None without one."""
        mark = f"m{len(self.attempts):07d}"
        noted = Attempt(kind, mark, subject)
        self.attempts.append(noted)
        key = f"{self._run}-{mark}"
        answers = await asyncio.gather(*(self._answer(noted, call(mark, key)) for _ in range(duplicates)))
        given = [answer for answer in answers if answer is not None]
        if noted.outcome == "under way":
            noted.outcome = "unknown"
        if len({answer.get("id") for answer in given}) > 1:
            self.surprises.append(f"{kind} {mark}: duplicates were answered differently")
        return given[0] if given else None

    async def read(self, call: Awaitable[Any]) -> Any:
        """What a reader sees; None when nobody answered."""
        try:
            return await call
        except Problem as problem:
            if problem.status not in AWAY:
                self.surprises.append(f"a read was answered {problem}")
        except Unreachable:
            pass
        return None

    async def _answer(self, noted: Attempt, call: Awaitable[Any]) -> Any:
        try:
            answer = await call
        except Unreachable:
            return None
        except Problem as problem:
            self._note_problem(noted, problem)
            return None
        noted.outcome = "acknowledged"
        noted.id = (answer or {}).get("id")
        return answer or {}

    def _note_problem(self, noted: Attempt, problem: Problem) -> None:
        if problem.status in AWAY or problem.code == "idempotency_in_progress":
            return
        if problem.status < 500 and noted.outcome == "under way":
            noted.outcome = "refused"
        if (noted.kind, problem.code) not in TOO_LATE:
            self.surprises.append(f"{noted.kind} {noted.mark} was answered {problem}")
