"""Every container in turn is replaced or restarted under traffic through the edge; nobody notices, whether
they use the API or the site."""

import asyncio
from collections.abc import Callable

from tests.compose.project import GATEWAY, PROCESSES, WEB, Project, say
from tests.compose.visitors import page_views
from tests.journeys import ledger, walk
from tests.journeys.traffic import Tally, traffic
from tests.support.servers import eventually

WALKERS = 2
PATIENCE_SECONDS = 60.0


def _under_traffic(project: Project, *acts: Callable[[], object]) -> Tally:
    """Everything done one after the other while people read and write, and ask for nothing twice."""
    walk.patience.set(PATIENCE_SECONDS)
    before = int(project.rows("orders", "SELECT count(*) FROM orders WHERE status = 4")[0][0])

    async def act() -> Tally:
        async with page_views(project.site) as views, traffic(project.url, WALKERS) as tally:
            for each in acts:
                done = await asyncio.to_thread(each)
                say(f"{done}; {tally.reads} reads, the slowest took {tally.take_slowest():.1f} s; {views}")
        assert views.pages and views.forms
        return tally

    tally = asyncio.run(act())
    say(f"{tally.journeys} journeys and {tally.reads} reads, none failed")
    eventually(lambda: not ledger.unconsumed(project.rows), 60, "every event reached every consumer")
    completed = "SELECT count(*) FROM orders WHERE status = 4"
    assert project.rows("orders", completed) == [(str(before + tally.journeys),)]
    assert ledger.failed(project.rows) == []
    return tally


def test_a_rolling_restart_of_everything_costs_no_request(project: Project) -> None:
    project.up()
    before = set(project.containers(*PROCESSES))
    acts = [lambda name=name: project.restart_rolling(name).strip() for name in PROCESSES]
    tally = _under_traffic(project, *acts)
    assert tally.reads > 0
    after = set(project.containers(*PROCESSES))
    assert not before & after, "all of them are new"
    assert len(before) == len(after), "as many as before"


def test_gateways_and_site_processes_that_restart_in_turn_cost_no_request(project: Project) -> None:
    project.up(gateway=2, web=2)

    def restart(service: str, container: str) -> str:
        project.restart_container(container)
        return f"{service} {container[:6]} was restarted"

    found = [(service, one) for service in (GATEWAY, WEB) for one in project.containers(service)]
    assert len(found) == 4
    _under_traffic(project, *(lambda one=one: restart(*one) for one in found))


def test_a_killed_process_of_the_site_costs_no_page_and_no_form(project: Project) -> None:
    project.up(gateway=2, web=2)

    async def kill() -> None:
        async with page_views(project.site) as views:
            await asyncio.sleep(2)
            await asyncio.to_thread(project.kill, project.containers(WEB)[0])
            await asyncio.sleep(3)
            say(f"a process of the site was killed; {views}")

    asyncio.run(kill())
