"""The site on the real stack: two processes of it before two gateways, through the edge."""

import asyncio
import json
import re
from uuid import uuid4

from client import MarketplaceClient
from tests.compose.project import GATEWAY, WEB, Project, say
from tests.compose.visitors import Visitor, page_views
from tests.journeys import walk
from tests.support.servers import eventually

SCALE = {GATEWAY: 2, WEB: 2}
MOST_MIB = 110
LOOKING_SECONDS = 8.0
FORGED = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
WRONG_PASSWORDS = 3
REACH = """
import json, os, socket
reached = []
for place in ("rabbitmq:5672", "rabbitmq:15672", "postgres:5432", "accounts:9100", "edge:8001"):
    try:
        socket.create_connection(place.split(":"), 2).close()
        reached.append(place)
    except OSError:
        pass
print(json.dumps({"reached": reached, "told": sorted(os.environ)}))
"""


def test_an_order_goes_its_whole_way_over_the_pages(project: Project) -> None:
    project.up(**SCALE)
    asyncio.run(_journey(project.site))


async def _journey(site: str) -> None:
    async with Visitor(site) as provider, Visitor(site) as customer:
        await provider.sign_up("Petra Provider")
        await customer.sign_up("Carl Customer")
        order = await _order(customer, await _post_service(provider))
        await customer.send(f"{order}/messages", body="Is Friday possible?")
        assert "Is Friday possible?" in await provider.open(order)
        await _step(provider, order, "approve", "Order Placed")
        await provider.send(f"{order}/messages", body="Friday it is.")
        await _step(provider, order, "complete_work", "Work Completed")
        assert "Friday it is." in await customer.open(order)
        await _step(customer, order, "confirm", "Order Completed")
        await _paid(customer, order)
        await customer.send(f"{order}/review", rating="5", text="As agreed.")
        assert "As agreed." in await provider.open(order)


async def _post_service(provider: Visitor) -> str:
    """The path of a new service that others can order."""
    await provider.open("/dashboard/services/new")
    await provider.send(
        "/dashboard/services/new",
        title=f"Proofreading {uuid4().hex[:10]}",
        description="I read your text twice and mark every slip.",
        category="writing",
        price="45",
    )
    assert re.fullmatch("/services/[0-9a-f-]{36}", provider.path)
    return provider.path


async def _order(customer: Visitor, service: str) -> str:
    """The path of a new order."""
    await customer.open(f"{service}/order")
    page = await customer.send(f"{service}/order", requirements="Black and white, please.")
    assert "Pending" in page and "Black and white, please." in page
    return customer.path


async def _step(visitor: Visitor, order: str, transition: str, label: str) -> None:
    await visitor.open(order)
    assert label in await visitor.send(f"{order}/transitions", transition=transition)


async def _paid(customer: Visitor, order: str) -> None:
    """Pays as soon as payments have heard that the work is confirmed."""

    async def may_pay() -> bool:
        return f'action="{order}/payments"' in await customer.open(order)

    await walk.wait_for(may_pay, "the form to pay")
    await customer.send(f"{order}/payments", method="sandbox_ok")

    async def has_paid() -> bool:
        return "/receipt" in await customer.open(order)

    await walk.wait_for(has_paid, "the receipt")


def test_every_process_knows_whom_another_signed_in(project: Project) -> None:
    project.up(**SCALE)

    def views() -> list[float]:
        return project.counted(WEB, "web_requests_total", "/settings")

    async def look() -> None:
        async with Visitor(project.site) as visitor:
            await visitor.sign_up("Vera Visitor")
            for _ in range(10):
                await visitor.open("/settings")
                assert visitor.path == "/settings", "else sent to sign in"

    eventually(lambda: _answering(project) == SCALE[WEB], 20, "both processes answer")
    before = views()
    asyncio.run(look())
    assert all(now > then for now, then in zip(views(), before, strict=True))


def _answering(project: Project) -> int:
    """How many processes of the site the edge uses."""
    asyncio.run(_open_help(project.site))
    return sum(count > 0 for count in project.counted(WEB, "web_requests_total", "/help"))


async def _open_help(site: str) -> None:
    async with Visitor(site) as visitor:
        for _ in range(6):
            await visitor.open("/help")


def test_the_site_reaches_no_broker_and_no_database_and_knows_no_password_of_theirs(project: Project) -> None:
    found = json.loads(project.python(WEB, REACH))
    assert found["reached"] == ["edge:8001"]
    assert not [name for name in found["told"] if re.search("PASSWORD|AMQP|DATABASE|TOKEN|SESSION", name)]


def test_a_visitor_cannot_pretend_to_come_from_elsewhere(project: Project) -> None:
    async def addresses() -> tuple[set[str], set[str]]:
        async with Visitor(project.site, FORGED) as visitor, MarketplaceClient(project.url) as client:
            await visitor.sign_up("Vera Visitor")
            await visitor.sign_out()
            await visitor.sign_in()
            await client.sign_in(visitor.email, walk.PASSWORD)
            own = client.session["session_id"] if client.session else ""
            sessions = (await client.sessions())["data"]
            by_the_site = {str(one["address"]) for one in sessions if one["id"] != own}
            return by_the_site, {str(one["address"]) for one in sessions if one["id"] == own}

    by_the_site, by_the_api = asyncio.run(addresses())
    assert by_the_site == by_the_api, "one visitor, one address, whichever door"
    assert len(by_the_api) == 1 and not by_the_api & {"203.0.113.9", "", "None"}


def test_a_process_of_the_site_stays_small_however_many_pages_it_shows(project: Project) -> None:
    async def look() -> int:
        async with page_views(project.site) as views:
            await asyncio.sleep(LOOKING_SECONDS)
        return views.pages

    say(f"{asyncio.run(look())} pages in {LOOKING_SECONDS:.0f} s")
    for number in range(1, SCALE[WEB] + 1):
        used = project.resident_mib(WEB, number)
        say(f"web {number}: {used:.0f} MiB")
        assert used <= MOST_MIB


def test_limits_count_each_visitor_also_behind_a_proxy_of_ones_own(project: Project) -> None:
    settings = {"ENTRANCE_LIMIT_PER_MINUTE": str(WRONG_PASSWORDS), "FRONT_PROXIES": "0.0.0.0/0"}
    with project.with_settings(**settings):
        project.up(gateway=1, web=2)
        asyncio.run(_knock(project.site))


async def _knock(site: str) -> None:
    """Somebody guesses passwords until they are stopped; somebody else is not."""
    for number in range(WRONG_PASSWORDS + 2):
        forged = f"198.51.100.{number}, 203.0.113.7"  # the proxy adds the address at the end
        page = await _guess(site, forged)
        assert ("Too many requests" in page) is (number >= WRONG_PASSWORDS)
    assert "do not match" in await _guess(site, "203.0.113.8")


async def _guess(site: str, address: str) -> str:
    async with Visitor(site, {"X-Forwarded-For": address}) as visitor:
        await visitor.open("/sign-in")
        return await visitor.send(
            "/sign-in", expected=422, email=visitor.email, password="not the pass phrase"
        )
