"""The fault laboratory: runs one fault after the other under load and writes down what it cost."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from tests.faults.checker import consistency
from tests.faults.checker.finding import Evidence, Finding
from tests.faults.load.generator import Load
from tests.faults.support.marketplace import Marketplace
from tests.faults.support.report import Report, Result
from tests.faults.support.time_limits import restarted_within

BEFORE, AFTER = 25, 25  # acknowledged requests around the fault
GIVE_UP_SECONDS = 180.0
CHECKS = 5
MOST_REPORTED = 50


@dataclass
class Scene:
    """What a fault finds: the marketplace, the load that is on, and dice.

    A fault that leaves something on purpose says so: dead letters by service, and the ids of events
    that fail for good. `say` shows how far it is.
    """

    marketplace: Marketplace
    load: Load
    random: Random
    say: Callable[[str], None]
    dead_letters: Counter[str] = field(default_factory=Counter)
    expected_failures: set[str] = field(default_factory=set)


Inject = Callable[[Scene], Awaitable[None]]


class Laboratory:
    """One marketplace, many faults."""

    def __init__(self, marketplace: Marketplace, report: Report, seed: int) -> None:
        self.marketplace = marketplace
        self.seed = seed
        self._report = report
        self._known: set[Finding] = set()  # each is told once, by the row that made it
        self._failures: set[str] = set()
        self._dead_letters: Counter[str] = Counter()

    def run(
        self, name: str, inject: Inject, recovered_within: Callable[[], float] = restarted_within
    ) -> Result:
        """Drives load, lets `inject` hurt the marketplace and take the fault away again, waits until that is
        recovered, then until all is quiet, and checks the ledger.

        Fails when something was lost, duplicated or wrong, or when recovery took longer; how long it may
        take is asked afterwards, when it is known how busy the machine was.
        """
        try:
            with self._report.row(name):
                result = asyncio.run(self._run(name, inject))
            self._report.add(result)
            assert not result.findings, reported(result.findings)
            allowed = recovered_within()
            assert (result.seconds_until_recovered or 0.0) <= allowed, (
                f"not recovered in {allowed} s: {result}"
            )
        except BaseException as error:
            error.add_note(f"FAULTS_SEED={self.seed}, {name}")
            print(f"{self.marketplace.stack.log_tails()}\n{name}: {error}")  # noqa: T201
            raise
        return result

    async def _run(self, name: str, inject: Inject) -> Result:
        await asyncio.to_thread(self.marketplace.recover)
        began = self.marketplace.now()
        staff = await self.marketplace.staff_at_work()
        random = Random(f"{self.seed} {name}")
        async with Load(self.marketplace.url, self.marketplace.request_log, random, staff) as load:
            scene = Scene(self.marketplace, load, random, self._report.watch(load))
            await load.progress(BEFORE)
            await inject(scene)
            self._failures |= scene.expected_failures
            self._dead_letters += scene.dead_letters
            seconds = await self._recovered(began)
            await load.progress(AFTER)
        await staff.client.close()
        findings = await asyncio.to_thread(self._fresh_findings, began)
        return Result(name, load.attempted, load.acknowledged, seconds, findings)

    async def _recovered(self, began: datetime) -> float:
        """Seconds until every process is ready and what had piled up by now has reached everybody."""
        since = time.monotonic()
        left = await asyncio.to_thread(self._backlog, began)
        while left or not await asyncio.to_thread(lambda: self.marketplace.is_ready):
            if time.monotonic() > since + GIVE_UP_SECONDS:
                raise AssertionError(f"it does not recover: {sorted(left)[:5]}\n{reported(self._findings())}")
            await asyncio.sleep(0.05)
            left &= await asyncio.to_thread(self._backlog, began)
        return time.monotonic() - since

    def _backlog(self, began: datetime) -> set[tuple[str, str]]:
        return {lack for lack in self.marketplace.backlog(began) if lack[1] not in self._failures}

    def _fresh_findings(self, began: datetime) -> list[Finding]:
        """What the ledger finds while nothing moves; a clock that runs out meanwhile asks for a new look."""
        found: list[Finding] = []
        for _ in range(CHECKS):
            self.marketplace.wait_until_quiet(lambda: self._backlog(began))
            heads = self.marketplace.heads()
            found = self._findings()
            if self.marketplace.heads() == heads:
                break
        fresh = [finding for finding in found if finding not in self._known]
        self._known.update(found)
        return fresh

    def _findings(self) -> list[Finding]:
        with self.marketplace.reading() as databases:
            found = consistency.check(
                Evidence(databases.rows, self.marketplace.request_log, frozenset(self._failures))
            )
        dead = Counter(self.marketplace.dead_letters())
        for service in sorted(dead | self._dead_letters):
            expected = self._dead_letters[service]
            if dead[service] != expected:
                sentence = f"{service} has {dead[service]} dead letters, expected {expected}"
                found.append(Finding("lost" if dead[service] < expected else "wrong", sentence))
        return found


def reported(findings: list[Finding]) -> str:
    """Findings for a failed run's report, the first ones of many."""
    more = f"\n… and {len(findings) - MOST_REPORTED} more" if len(findings) > MOST_REPORTED else ""
    return "\n".join(str(finding) for finding in findings[:MOST_REPORTED]) + more
