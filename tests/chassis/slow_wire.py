"""A wire that tears what the broker sends into small pieces, as a network with short packets does."""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

PIECE_BYTES = 1400
PAUSE_SECONDS = 0.001


class SlowWire:
    """Stands between a process and the broker; `url` is the broker's through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._broker = (parts.hostname or "", parts.port or 5672)
        self._listener = socket.create_server(("127.0.0.1", 0))
        account = parts.netloc.rpartition("@")[0]
        here = f"{account}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=here))

    def __enter__(self) -> "SlowWire":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._broker)
                for wire in (near, far):
                    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, target, pause in ((near, far, 0.0), (far, near, PAUSE_SECONDS)):
                    threading.Thread(target=_carry, args=(source, target, pause), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, pause: float) -> None:
    with suppress(OSError), source, target:
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
            time.sleep(pause)
