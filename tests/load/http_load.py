"""A closed-loop HTTP load: each connection sends its next request when the last one was answered."""

import asyncio
import itertools
import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class HttpRequest:
    """One request, without `Host` and `Content-Length`."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def encode(self, host: str) -> bytes:
        """The request as it is sent."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + HEAD_END + self.body


@dataclass
class Sample:
    """What one measurement saw: seconds from request to answer, and what was not a 2xx."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: dict[int, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Requests that were answered with a 2xx."""
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        """Throughput of these."""
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """A latency percentile in milliseconds, 0 when nothing was measured."""
        if not self.latencies:
            return 0.0
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] * 1000


async def generate_load(
    port: int,
    next_request: Callable[[], HttpRequest],
    connections: int,
    seconds: float = math.inf,
    requests: int | None = None,
) -> Sample:
    """Sends requests over `connections` kept-alive connections for `seconds`, or so many `requests`."""
    sample, permits = Sample(), itertools.repeat(None) if requests is None else iter(range(requests))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_one_connection(port, next_request, began + seconds, permits, sample))
    sample.seconds = time.perf_counter() - began
    return sample


async def _one_connection(
    port: int,
    next_request: Callable[[], HttpRequest],
    until: float,
    permits: Iterator[object],
    sample: Sample,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in permits:
            if (began := time.perf_counter()) >= until:
                return
            writer.write(next_request().encode(f"127.0.0.1:{port}"))
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                status = await read_answer(reader)
            if 200 <= status < 300:
                sample.latencies.append(time.perf_counter() - began)
            else:
                sample.errors[status] = sample.errors.get(status, 0) + 1
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> int:
    """Reads one answer with a `Content-Length` and returns its status.

    Raises: ValueError when the answer has no length.
    """
    head = await reader.readuntil(HEAD_END)
    found = _LENGTH.search(head)
    if found is None and head[9:12] != b"204":
        raise ValueError(f"an answer without Content-Length: {head[:200]!r}")
    if found is not None:
        await reader.readexactly(int(found.group(1)))
    return int(head[9:12])
