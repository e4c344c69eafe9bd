"""How soon a transition reaches the other party's event stream, while many streams are idle."""

import asyncio
import contextlib
import time
from datetime import datetime

from tests.load.http_load import HEAD_END, HttpRequest, Sample
from tests.load.marketplace import Account
from tests.load.scenarios import Prepared

IDLE_STREAMS = 2000
TRANSITIONS_PER_SECOND = 20
OPENING_AT_ONCE = 50
GRACE_SECONDS = 5.0


async def event_streams(prepared: Prepared, seconds: float, idle: int = IDLE_STREAMS) -> Sample:
    """Approves orders at a steady rate; measures from the commit to the customer's stream."""
    async with contextlib.AsyncExitStack() as streams:
        await _open_idle(prepared, idle, streams)
        return await _measure(prepared, seconds)


async def _open_idle(prepared: Prepared, count: int, streams: contextlib.AsyncExitStack) -> None:
    spectators = [await prepared.market.sign_up("Spectator") for _ in range(max(1, count // 100))]
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def open_one(account: Account) -> None:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", prepared.market.port)
            streams.callback(writer.close)
            request = HttpRequest("GET", "/v1/events", (*account.headers, ("Accept", "text/event-stream")))
            writer.write(request.encode("127.0.0.1"))
            head = await reader.readuntil(HEAD_END)
            if b" 200 " not in head[:16]:
                raise RuntimeError(f"an event stream was refused: {head[:300]!r}")

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(open_one(spectators[number % len(spectators)]))


async def _measure(prepared: Prepared, seconds: float) -> Sample:
    sample, committed, arrived = Sample(), dict[str, float](), dict[str, float]()
    listening = asyncio.Event()
    listener = asyncio.create_task(_listen(prepared.customer, arrived, listening))
    try:
        await listening.wait()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * TRANSITIONS_PER_SECOND / 2)):
                due = began + number * 2 / TRANSITIONS_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(_submit_and_approve(prepared, committed))
        sample.seconds = time.perf_counter() - began
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while committed.keys() - arrived.keys():
                    await asyncio.sleep(0.05)
    finally:
        listener.cancel()
    sample.latencies = [max(0.0, arrived[order] - at) for order, at in committed.items() if order in arrived]
    sample.errors = {0: missing} if (missing := len(committed.keys() - arrived.keys())) else {}
    return sample


async def _submit_and_approve(prepared: Prepared, committed: dict[str, float]) -> None:
    order = await prepared.customer.client.submit_order(prepared.service_id, "As agreed.")
    approved = await prepared.provider.client.transition(order["id"], "approve")
    committed[order["id"]] = datetime.fromisoformat(approved["updated_at"]).timestamp()


async def _listen(account: Account, arrived: dict[str, float], listening: asyncio.Event) -> None:
    stream = account.client.events()
    listening.set()
    async for event in stream:
        if event["type"] == "order.transitioned" and event["data"].get("transition") == "approve":
            arrived.setdefault(event["data"]["order_id"], time.time())
