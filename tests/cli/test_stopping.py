"""A process may be told to stop before it has started."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.codebase import ROOT
from tests.support.servers import eventually
from tests.support.stack import MICROTASKS


def _catches_sigterm(process: "subprocess.Popen[bytes]") -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("name", ["catalog", "gateway", "web"])
def test_a_process_that_is_still_loading_ends_at_once_and_well(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [*MICROTASKS, "serve", name],
            cwd=ROOT,
            env={**os.environ, "GATEWAY_PORT": "0", "WEB_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: _catches_sigterm(process), 60, "it hears signals")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert log.read_bytes() == b"", "it had not begun"
