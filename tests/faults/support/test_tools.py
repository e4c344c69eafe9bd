"""The means of the faults do what they say: a network that fails, and a disk that is full."""

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import time_limits
from tests.support.network import Mode, Network
from tests.support.small_disk import SmallDisk

SILENCE_SECONDS = 0.3


@pytest.fixture
def echo_url() -> Iterator[str]:
    """A server that says everything back."""

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while piece := connection.recv(1024):
                connection.sendall(piece)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def network(echo_url: str) -> Iterator[Network]:
    with Network(echo_url) as network:
        yield network


def connected(network: Network) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port), timeout=10)


def says_back(wire: socket.socket, text: bytes = b"hello") -> bool:
    wire.sendall(text)
    wire.settimeout(10)
    return wire.recv(1024) == text


def is_silent(wire: socket.socket) -> bool:
    wire.settimeout(SILENCE_SECONDS)
    try:
        return not wire.recv(1024)
    except TimeoutError:
        return True


def is_reset(wire: socket.socket) -> bool:
    wire.settimeout(10)
    try:
        return not wire.recv(1024)
    except ConnectionError:
        return True


def test_what_is_held_arrives_later(network: Network) -> None:
    with connected(network) as wire:
        assert says_back(wire)
        network.become(Mode.HOLD)
        wire.sendall(b"later")
        assert is_silent(wire)
        network.become(Mode.PASS)
        wire.settimeout(10)
        assert wire.recv(1024) == b"later"


def test_what_is_swallowed_is_lost_and_its_connection_is_reset_afterwards(network: Network) -> None:
    with connected(network) as old, connected(network) as idle:
        assert says_back(old)
        assert says_back(idle)
        network.become(Mode.SWALLOW)
        old.sendall(b"lost")
        assert is_silent(old)
        with connected(network) as fresh:
            fresh.sendall(b"lost as well")
            assert is_silent(fresh)
            network.become(Mode.PASS)
            assert is_reset(fresh)
        assert is_reset(old)
        assert says_back(idle), "a connection that lost nothing goes on"


def test_a_network_that_forgets_lets_only_new_connections_through(network: Network) -> None:
    with connected(network) as old:
        assert says_back(old)
        network.forget()
        old.sendall(b"lost")
        assert is_silent(old)
        with connected(network) as fresh:
            assert says_back(fresh)


def test_a_cut_resets_all_and_a_refusing_network_takes_nobody(network: Network) -> None:
    with connected(network) as wire:
        assert says_back(wire)
        network.cut()
        assert is_reset(wire)
    network.become(Mode.REFUSE)
    with contextlib.suppress(ConnectionError), connected(network) as refused:
        assert is_reset(refused)
    network.become(Mode.PASS)
    with connected(network) as again:
        assert says_back(again)


def test_a_slow_network_delays_every_piece(network: Network) -> None:
    with connected(network) as wire:
        network.delay(2 * SILENCE_SECONDS)
        wire.sendall(b"slowly")
        assert is_silent(wire)
        wire.settimeout(10)
        assert wire.recv(1024) == b"slowly"


def test_a_full_disk_takes_nothing_and_a_freed_one_does(tmp_path: Path) -> None:
    if not SmallDisk.is_possible(tmp_path / "probe"):
        pytest.skip("not run: no right to mount a small disk")
    with SmallDisk(tmp_path / "disk", 2) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space") as full:
            (disk.folder / "more").write_bytes(bytes(4096))
        assert full.value.errno == errno.ENOSPC
        disk.free()
        (disk.folder / "more").write_bytes(bytes(4096))


@pytest.mark.parametrize(
    ("load", "times"), [(0.0, 1), (time_limits.OWN_LOAD, 1), (3 * time_limits.OWN_LOAD, 3)]
)
def test_only_where_others_want_the_processors_too_may_recovery_take_longer(
    monkeypatch: pytest.MonkeyPatch, load: float, times: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (2 * load, 0.0, 0.0))
    assert time_limits.drained_within() == times * time_limits.DRAINED_SECONDS
    assert time_limits.restarted_within() == times * time_limits.RESTARTED_SECONDS
