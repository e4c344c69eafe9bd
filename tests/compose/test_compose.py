"""The real stack, as docker-compose.yml describes it: comes up, grows, loses its servers, recovers."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kit.security.tokens import call_token
from tests.compose.expected import LEAST_REFUSED, allowed_at_the_broker
from tests.compose.project import GATEWAY, PROCESSES, WEB, Project, say
from tests.journeys import ledger, walk
from tests.support.codebase import ROOT, SERVICES
from tests.support.servers import eventually

WALKERS = 3
PATIENCE_SECONDS = 120.0
MOST_MIB, MOST_MIB_DRAWING = 110, 170  # a gateway that has drawn a PDF keeps its fonts
SCALE = {"orders": 3, "messaging": 2, "gateway": 2, "web": 2}
INTRUDER = (ROOT / "tests" / "compose" / "intruder.py").read_text()


def test_both_journeys_pass_on_it(project: Project) -> None:
    asyncio.run(walk.whole_journey(project.url))
    asyncio.run(walk.cancelled_journey(project.url))


async def access_token(url: str) -> str:
    """Somebody's, who is signed in."""
    async with walk.person(url, "Victim") as victim:
        assert victim.session is not None
        return str(victim.session["access_token"])


def test_a_token_for_one_method_is_what_a_service_may_use_there(project: Project) -> None:
    token = call_token(asyncio.run(access_token(project.url)), "orders.get_order")
    outcomes = json.loads(project.python("payments", INTRUDER, "payments", token))
    assert outcomes["use a caller's token at orders"] == "allowed"
    assert outcomes["use a caller's token at the gateway"] == "refused"


@pytest.mark.parametrize("service", SERVICES)
def test_a_stolen_password_of_a_service_opens_nothing_else(project: Project, service: str) -> None:
    token = call_token(asyncio.run(access_token(project.url)), service)
    outcomes = json.loads(project.python(service, INTRUDER, service, token))
    allowed = {name for name, outcome in outcomes.items() if outcome == "allowed"}
    assert allowed == allowed_at_the_broker(service) | {f"read database {service}"}
    assert len(outcomes) >= len(allowed) + LEAST_REFUSED, "everything else was really tried"


def test_only_the_edge_is_to_be_reached_from_outside(project: Project) -> None:
    published = project.compose("ps", "--format", "{{.Service}} {{.Ports}}").splitlines()
    assert [line.split()[0] for line in published if "->" in line] == ["edge"]


def test_no_process_runs_as_root_or_may_write_its_own_files(project: Project) -> None:
    for service in PROCESSES:
        assert project.compose("exec", "-T", service, "id", "-u").strip() == "10001"
        attempt = "touch /app/x 2>/dev/null && echo written || echo refused"
        assert project.compose("exec", "-T", service, "sh", "-c", attempt).strip() == "refused"
        first = project.compose("exec", "-T", service, "cat", "/proc/1/cmdline").split("\0")
        assert f"{first[1]} {first[2]}".endswith("microtasks serve"), "the process itself is the first"


def test_it_grows_service_by_service_and_every_gateway_and_site_process_is_found(project: Project) -> None:
    say(f"scaled to {SCALE} after {project.up(**SCALE):.0f} s")
    eventually(lambda: _all_answer(project), 20, "the edge uses every gateway and every process of the site")
    asyncio.run(walk.whole_journey(project.url))
    asyncio.run(walk.cancelled_journey(project.url))


def _all_answer(project: Project) -> bool:
    """Whether requests through the edge's doors reach every process behind them.

    One door after the other: a page of the site costs an API call, so taking turns with direct calls
    would send all of one kind to the same gateway.
    """
    before = _requests(project)
    for page in (f"{project.url}/v1/categories", f"{project.site}/help"):
        for _ in range(20):
            with urllib.request.urlopen(page, timeout=5) as answer:
                assert answer.status == 200
    after = _requests(project)
    assert len(before) == len(after) == SCALE[GATEWAY] + SCALE[WEB]
    return all(now > then for now, then in zip(after, before, strict=True))


def _requests(project: Project) -> list[float]:
    asked = ((GATEWAY, "microtasks_http_requests_total", "categor"), (WEB, "web_requests_total", "/help"))
    return [count for question in asked for count in project.counted(*question)]


@asynccontextmanager
async def traffic(url: str, walks: list[int]) -> AsyncIterator[None]:
    """People walk whole journeys all the while; what any of them misses fails the test."""
    enough = asyncio.Event()

    async def walk_on() -> None:
        while not enough.is_set():
            await walk.whole_journey(url)
            walks.append(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(WALKERS):
            group.create_task(walk_on())
        yield
        enough.set()


@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
def test_a_restart_under_traffic_loses_nothing_that_was_answered(project: Project, server: str) -> None:
    walk.patience.set(PATIENCE_SECONDS)
    before = int(project.rows("orders", "SELECT count(*) FROM orders")[0][0])
    walks: list[int] = []

    async def restart() -> None:
        async with traffic(project.url, walks):
            await asyncio.sleep(3)  # traffic, so that the fault meets work under way
            say(f"restarting {server} under traffic ({len(walks)} journeys so far)")
            await asyncio.to_thread(project.compose, "restart", server)
            say(f"{server} was restarted ({len(walks)} journeys so far)")
            await asyncio.sleep(3)

    asyncio.run(restart())
    asyncio.run(walk.whole_journey(project.url))
    say(f"{len(walks) + 1} journeys attempted, as many finished, none lost, none doubled")
    orders = "SELECT count(*) FILTER (WHERE status IN (4, 7)), count(*) FROM orders"
    assert project.rows("orders", orders) == [(str(before + len(walks) + 1),) * 2]
    eventually(lambda: not ledger.unconsumed(project.rows), 60, "every event reached every consumer")
    assert ledger.failed(project.rows) == []


def test_without_reviews_everything_else_works_and_it_catches_up(project: Project) -> None:
    async def order_without_reviews() -> None:
        async with (
            walk.person(project.url, "Customer", patience_seconds=0.0) as customer,
            walk.person(project.url, "Provider") as provider,
        ):
            await asyncio.to_thread(project.compose, "stop", "reviews")
            say("reviews is stopped")
            begun = await walk.begin(customer, provider)
            await begun.step(begun.provider, "approve", 2)
            await begun.talk()
            await begun.step(begun.provider, "complete_work", 3)
            await begun.step(begun.customer, "confirm", 4)
            await begun.expect_notification(begun.provider, "order_completed")
            assert await customer.profile((await begun.provider.me())["id"])
            problem = await walk.refused(customer.submit_review(begun.order["id"], 4))
            assert problem.status == 503
            await asyncio.to_thread(project.compose, "start", "reviews")
            say("reviews is back")
            customer.connection.patience_seconds = 30.0
            review = await customer.submit_review(begun.order["id"], 4, "Worth the wait.")
            await begun.expect_notification(begun.provider, "review_submitted")
            assert review["rating"] == 4
            await walk.shows_rating(begun, (await begun.provider.me())["id"])

    asyncio.run(order_without_reviews())
    eventually(lambda: not ledger.unconsumed(project.rows), 60, "reviews caught up")


def test_a_process_stays_within_its_memory(project: Project) -> None:
    for service in PROCESSES:
        for number in range(1, SCALE.get(service, 1) + 1):
            used = project.resident_mib(service, number)
            say(f"{service} {number}: {used:.0f} MiB")
            most = MOST_MIB_DRAWING if service == GATEWAY else MOST_MIB
            assert used <= most, f"{service} {number} takes {used:.0f} MiB"


def test_the_image_carries_no_compiler_and_no_installer(project: Project) -> None:
    find = "command -v gcc cc ld make pip pip3; python3 -c 'import pip' 2>/dev/null && echo pip; true"
    assert project.compose("exec", "-T", "catalog", "sh", "-c", find).strip() == ""
