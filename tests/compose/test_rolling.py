"""Every container in turn is replaced or restarted under traffic through the edge; nobody notices."""

import asyncio
from collections.abc import Callable

from tests.compose.project import GATEWAY, Project, say
from tests.house import SERVICES
from tests.journeys import ledger, walk
from tests.journeys.traffic import Tally, traffic
from tests.servers import eventually

WALKERS = 2
PATIENCE_SECONDS = 60.0


def _under_traffic(project: Project, *acts: Callable[[], object]) -> Tally:
    """Everything done one after the other while people read and write, and ask for nothing twice."""
    walk.patience.set(PATIENCE_SECONDS)
    before = int(project.rows("orders", "SELECT count(*) FROM orders WHERE status = 4")[0][0])

    async def act() -> Tally:
        async with traffic(project.url, WALKERS) as tally:
            for each in acts:
                done = await asyncio.to_thread(each)
                say(f"{done}; {tally.reads} reads, the slowest took {tally.take_slowest():.1f} s")
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
    before = _containers(project)
    acts = [lambda name=name: project.restart_rolling(name).strip() for name in (*SERVICES, GATEWAY)]
    tally = _under_traffic(project, *acts)
    assert tally.reads > 0
    assert not before & _containers(project), "all of them are new"
    assert len(before) == len(_containers(project)), "as many as before"


def _containers(project: Project) -> set[str]:
    return set(project.compose("ps", "--quiet", *SERVICES, GATEWAY).split())


def test_gateways_that_restart_one_after_the_other_cost_no_request(project: Project) -> None:
    project.up(gateway=2)

    def restart(container: str) -> str:
        project.restart_container(container)
        project.up(gateway=2)
        return f"gateway {container[:6]} was restarted"

    gateways = project.compose("ps", "--quiet", GATEWAY).split()
    assert len(gateways) == 2
    _under_traffic(project, *(lambda id_=id_: restart(id_) for id_ in gateways))
