"""A TCP proxy between processes and a server that delays, holds, drops or refuses traffic."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import Enum
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

PIECE_BYTES = 64 * 1024
CALL_SECONDS = 10.0
RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Mode(Enum):
    """What happens to data that either side sends."""

    PASS = "arrives"
    HOLD = "waits until the network passes data again"
    SWALLOW = "is dropped, and neither side is notified: half-open"
    REFUSE = "no connection is accepted"


class Network:
    """A proxy of one server; a context manager with its own thread.

    Connections that lost data are reset when the network passes data again: their streams are incomplete.
    """

    def __init__(self, server_url: str, piece_bytes: int = PIECE_BYTES) -> None:
        parts = urlsplit(server_url)
        assert parts.port is not None
        self._server = (parts.hostname, parts.port)
        self._piece_bytes = piece_bytes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._wires: dict[_Proxied, asyncio.Task[None] | None] = {}
        self._mode = Mode.PASS
        self._delay_seconds = 0.0
        self._flows = asyncio.Event()
        self.port = 0

    def __enter__(self) -> "Network":
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def url(self, server_url: str) -> str:
        """Returns the server's URL through this proxy."""
        parts = urlsplit(server_url)
        account, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{account}{at}127.0.0.1:{self.port}"))

    def become(self, mode: Mode) -> None:
        """Changes what happens to data and new connections."""
        self._run(self._become(mode))

    def cut(self) -> None:
        """Resets every connection; new ones are subject to the mode."""
        self._run(self._cut(only_torn=False))

    def forget(self) -> None:
        """Makes all open connections half-open permanently; new ones are subject to the mode."""
        self._run(self._forget())

    def say(self, words: bytes) -> None:
        """Sends data to every client in the server's name."""
        self._run(self._say(words))

    def delay(self, seconds: float) -> None:
        """Delays every piece, in both directions."""
        self._delay_seconds = seconds

    def _run(self, act: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(act, self._loop).result(CALL_SECONDS)

    async def _open(self) -> None:
        self._flows.set()
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        self._flows.set()
        await self._cut(only_torn=False)
        await asyncio.gather(*filter(None, self._wires.values()))

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        if mode in (Mode.PASS, Mode.REFUSE):
            await self._cut(only_torn=mode is Mode.PASS)
        (self._flows.clear if mode is Mode.HOLD else self._flows.set)()

    async def _cut(self, only_torn: bool) -> None:
        for wire in list(self._wires):
            if wire.torn or not only_torn:
                wire.reset()

    async def _forget(self) -> None:
        for wire in self._wires:
            wire.silent = True

    async def _say(self, words: bytes) -> None:
        for wire in self._wires:
            wire.ends[0].write(words)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = _Proxied(writer)
        self._wires[wire] = asyncio.current_task()
        with contextlib.suppress(OSError):
            try:
                await self._carry(wire, reader, writer)
            finally:
                wire.reset()
                del self._wires[wire]

    async def _carry(
        self, wire: "_Proxied", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._mode is Mode.REFUSE:
            return
        await self._flows.wait()
        if self._mode is Mode.SWALLOW:
            wire.torn = True
            await wire.gone.wait()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._server)
        wire.ends.append(far_writer)
        there = self._pump(wire, reader, far_writer)
        await _until_first(there, self._pump(wire, far_reader, writer), wire.gone.wait())

    async def _pump(
        self, wire: "_Proxied", source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        while piece := await source.read(self._piece_bytes):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            await self._flows.wait()
            if self._is_silent(wire):
                continue
            target.write(piece)
            await target.drain()
        if self._is_silent(wire):  # a closed side is not reported either
            await wire.gone.wait()

    def _is_silent(self, wire: "_Proxied") -> bool:
        swallowed = self._mode is Mode.SWALLOW
        wire.torn = wire.torn or swallowed
        return swallowed or wire.silent


class _Proxied:
    """One proxied connection: both its ends, and whether data of it was lost."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self.ends = [near]
        self.torn = self.silent = False
        self.gone = asyncio.Event()

    def reset(self) -> None:
        self.gone.set()
        for end in self.ends:
            wire = end.get_extra_info("socket")
            if wire is not None and wire.fileno() >= 0:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            end.transport.abort()


async def _until_first(*acts: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(act) for act in acts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
