"""What a program sends to PostgreSQL: a proxy that passes everything on and writes the queries down."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType

from sqlalchemy.engine import make_url

LENGTH_BYTES = 4


class Wire:
    """A proxy of one server; a context manager with threads of its own.

    `queries` are the messages of the simple protocol, one round trip each, in the order of their sending.
    """

    def __init__(self, server_url: str) -> None:
        url = make_url(server_url)
        self._server = (url.host or "127.0.0.1", url.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self.queries: list[str] = []
        through = url.set(host="127.0.0.1", port=self._listener.getsockname()[1])
        plain = through.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
        self.url = plain.render_as_string(hide_password=False)

    def __enter__(self) -> "Wire":
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                self._spawn(self._pass_on, client, server, _Queries(self.queries))
                self._spawn(self._pass_on, server, client, None)

    def _pass_on(self, source: socket.socket, target: socket.socket, queries: "_Queries | None") -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if queries is not None:
                    queries.read(data)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class _Queries:
    """Finds the queries in the stream of one client."""

    def __init__(self, found: list[str]) -> None:
        self._found, self._rest, self._started = found, b"", False

    def read(self, data: bytes) -> None:
        """Takes the next piece of the stream."""
        self._rest += data
        for kind, body in self._messages():
            if kind == b"Q":
                self._found.append(body.rstrip(b"\0").decode())

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            kind = 1 if self._started else 0  # the first message of a connection says only its length
            end = kind + int.from_bytes(self._rest[kind : kind + LENGTH_BYTES], "big")
            if len(self._rest) < kind + LENGTH_BYTES or len(self._rest) < end:
                return
            self._started = True
            yield self._rest[:kind], self._rest[kind + LENGTH_BYTES : end]
            self._rest = self._rest[end:]
