"""What people are told while a server is away: what needs no service still answers, the rest says 503."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from tests.faults.load.users import Json, User
from tests.faults.support.laboratory import Scene
from tests.faults.support.time_limits import strangers

# Pages of the gateway's own.
OWN_PAGES = ("/healthz", "/openapi.json", "/v1/order_statuses", "/v1/help", "/problems/not_found")
DEADLINE_SECONDS = 5.0
RECEIVED_SECONDS = 120.0
NOISE_SECONDS = 2.0  # the machine that tests is busy itself
AWAY = {503, 504}


@dataclass
class Received:
    """One answer."""

    path: str
    status: int
    seconds: float
    retry_after: str | None


class Outage:
    """Asks before an outage what should still be known in it, and then in it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._somebody, self._customer = (
            User(scene.marketplace.url, scene.marketplace.request_log) for _ in range(2)
        )
        self._cached = ""

    async def prepare(self) -> None:
        """Somebody signs in, offers something and looks at it: the gateway keeps public answers."""
        await asyncio.gather(self._somebody.arrive(), self._customer.arrive())
        service = await self._somebody.post_service()
        assert service is not None
        await self._received_by_the_gateway(service)
        self._cached = f"/v1/services/{service['id']}"
        [reported] = await self._request(self._cached)
        assert reported.status == 200, reported

    async def poll(self) -> None:
        """Everything is answered as promised while the server is away."""
        needing = ("/v1/me", "/v1/orders?role=customer", "/v1/notifications", "/v1/me/services")
        answered, refused = await asyncio.gather(
            self._request(*OWN_PAGES, self._cached), self._request(*needing)
        )
        wrong = [reported for reported in answered if reported.status != 200]
        wrong += [reported for reported in refused if reported.status not in AWAY or not reported.retry_after]
        wrong += [
            reported
            for reported in refused
            if reported.seconds > DEADLINE_SECONDS + NOISE_SECONDS * strangers()
        ]
        assert not wrong, f"told while a server is away: {wrong}"
        for user in (self._somebody, self._customer):
            await user.client.close()

    async def _received_by_the_gateway(self, service: Json) -> None:
        """Waits until the gateway knows of a new service: what it hears makes it forget the answers about
        that one. It hears everything in one queue, so whoever hears of an order recorded later is told
        that the service came through."""
        signed = self._somebody.client.connection.authorization()
        async with (
            aiohttp.ClientSession(self._scene.marketplace.url, headers=signed) as http,
            http.get("/v1/events", timeout=aiohttp.ClientTimeout(RECEIVED_SECONDS)) as stream,
        ):
            while await asyncio.to_thread(self._untold, service["id"]):
                await asyncio.sleep(0.05)
            assert await self._customer.order(service) is not None
            async for line in stream.content:
                if line == b"event: order.transitioned\n":
                    return
        raise AssertionError("the live stream ended before it told of an order")

    def _untold(self, service_id: str) -> int:
        unsent = f"SELECT 1 FROM outbox WHERE sent_at IS NULL AND body->>'service_id' = '{service_id}'"
        with self._scene.marketplace.reading() as databases:
            return len(databases.rows("catalog", unsent))

    async def _request(self, *paths: str) -> list[Received]:
        signed = self._somebody.client.connection.authorization()
        async with aiohttp.ClientSession(self._scene.marketplace.url, headers=signed) as http:
            return await asyncio.gather(*(_excerpts(http, path) for path in paths))


async def _excerpts(http: aiohttp.ClientSession, path: str) -> Received:
    began = time.monotonic()
    async with http.get(path) as answer:
        await answer.read()
        seconds = time.monotonic() - began
        return Received(path, answer.status, seconds, answer.headers.get("Retry-After"))
