"""Whether the HTTP API and the web site are open."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from cli.doctor.checks import Finding, failed, ok

CHECK = "ready"
ANSWER_SECONDS = 4.0


@dataclass(frozen=True)
class ReadinessProbe:
    """Something that answers at `/readyz`: in `field` it says `ready` or `not_ready`."""

    subject: str
    option: str
    service: str
    field: str
    ready: object
    not_ready: object
    reasons: str


GATEWAY = ReadinessProbe(
    "gateway", "--url", "gateway", "status", "ready", "not ready", "starting, draining or without its broker"
)
SITE = ReadinessProbe("site", "--site", "web", "ready", True, False, "starting or draining")


def examine_gateway(url: str) -> Iterator[Finding]:
    """Asks a gateway whether requests should be sent to it."""
    yield _examine(GATEWAY, url)


def examine_site(url: str) -> Iterator[Finding]:
    """Asks a process of the site, or the edge in front of it, whether visitors should be sent there."""
    yield _examine(SITE, url)


def _examine(probe: ReadinessProbe, url: str) -> Finding:
    address = f"{url.rstrip('/')}/readyz"
    try:
        status, answer = asyncio.run(_fetch(address))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        found = f"{address} does not answer: {str(error) or type(error).__name__}"
        advice = f"Start `microtasks serve {probe.service}`, or name another with {probe.option}."
        return failed(probe.subject, CHECK, found, advice)
    said = answer.get(probe.field) if isinstance(answer, dict) else None
    if status == 200 and said == probe.ready:
        return ok(probe.subject, CHECK, f"{url} takes requests")
    if status == 503 and said == probe.not_ready:
        advice = f"It is {probe.reasons}; its log says which."
        return failed(probe.subject, CHECK, f"{url} is not ready.", advice)
    found = f"{address} answers {status}, and not as our {probe.subject} does."
    advice = f"Something else listens there: name the {probe.subject} with {probe.option}."
    return failed(probe.subject, CHECK, found, advice)


async def _fetch(address: str) -> tuple[int, Any]:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(address) as answer:
        try:
            return answer.status, await answer.json(content_type=None)
        except ValueError:
            return answer.status, None
