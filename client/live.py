"""The live stream (server-sent events), as an endless async iterator that reconnects."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import aiohttp

from client.connection import LONGEST_PAUSE_SECONDS, HttpConnection, problem_of
from client.problem import Problem
from client.resources import LiveEvent

PATH = "/v1/events"
SILENCE_SECONDS = 45.0  # three missed pings
Opened = Callable[[], Awaitable[None]]


async def live_events(connection: HttpConnection, last_event_id: str = "") -> AsyncIterator[LiveEvent]:
    """Events as they happen, resumed after the last one seen whenever the stream breaks.

    Repeats are possible; `resync` means that something may have been missed.

    Raises: Problem when the stream is refused for a reason that waiting does not cure.
    """
    while True:
        await connection.renew_if_needed()
        try:
            async for event in one_stream(connection, last_event_id):
                last_event_id = event["id"] or last_event_id
                yield event
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(LONGEST_PAUSE_SECONDS)
        except Problem as problem:
            if problem.status not in (401, 429, 503):
                raise
            if problem.status == 401 and connection.session is not None:
                await connection.renew(connection.session["access_token"])
            else:
                await asyncio.sleep(max(LONGEST_PAUSE_SECONDS, problem.retry_after_seconds or 0))


async def one_stream(
    connection: HttpConnection, last_event_id: str, opened: Opened | None = None
) -> AsyncGenerator[LiveEvent, None]:
    """Events until the stream ends: when the access token does, or the connection.

    `opened` is awaited once the API granted the stream.

    Raises: Problem when the stream is refused, aiohttp.ClientError or TimeoutError when it breaks.
    """
    headers = {**connection.headers, **connection.authorization(), "Accept": "text/event-stream"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS)
    async with connection.http.get(connection.base_url + PATH, headers=headers, timeout=timeout) as answer:
        if answer.status != 200:
            raise problem_of(answer, await answer.read())
        if opened is not None:
            await opened()
        fields: dict[str, list[str]] = {}
        async for raw in answer.content:
            line = raw.decode().rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))
                continue
            if (event := _event_of(fields)) is not None:
                yield event
            fields = {}


def _event_of(fields: dict[str, list[str]]) -> LiveEvent | None:
    if "event" not in fields and "data" not in fields:
        return None  # a ping
    raw = "\n".join(fields.get("data", []))
    try:
        data = json.loads(raw) if raw else {}
    except ValueError:
        data = {"text": raw}
    kind = fields.get("event", ["message"])[-1]
    return LiveEvent(id=fields.get("id", [""])[-1], type=kind, data=data if isinstance(data, dict) else {})
