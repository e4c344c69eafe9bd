"""Whether the HTTP API is open."""

import asyncio
from collections.abc import Iterator

import aiohttp

from cli.doctor.findings import Finding, failed, ok

SUBJECT, CHECK = "gateway", "ready"
ANSWER_SECONDS = 4.0


def examine_gateway(url: str) -> Iterator[Finding]:
    """Asks a gateway whether requests should be sent to it."""
    address = f"{url.rstrip('/')}/readyz"
    try:
        status, said = asyncio.run(_look(address))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        found = f"{address} does not answer: {str(error) or type(error).__name__}"
        yield failed(SUBJECT, CHECK, found, "Start `microtasks serve gateway`, or name another with --url.")
        return
    if status == 200 and said == "ready":
        yield ok(SUBJECT, CHECK, f"{url} takes requests")
    elif said == "not ready":
        advice = "It is starting, draining or without its broker; its log says which."
        yield failed(SUBJECT, CHECK, f"{url} is not ready.", advice)
    else:
        found = f"{address} answers {status}, and not as our gateway does."
        yield failed(SUBJECT, CHECK, found, "Something else listens there: name the gateway with --url.")


async def _look(address: str) -> tuple[int, object]:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(address) as answer:
        try:
            said = await answer.json(content_type=None)
        except ValueError:
            said = None
    return answer.status, said.get("status") if isinstance(said, dict) else None
