"""The site as a process of its own: what it needs of its environment, and what it does not."""

import os
import subprocess
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.codebase import ROOT
from tests.support.servers import eventually
from tests.support.stack import MICROTASKS

SECRET = token_hex(24)
NOT_THE_SITES = ("AMQP_URL", "DATABASE_URL", "TOKEN_PUBLIC_KEYS", "METRICS_PORT")


def started(log: Path, secret: str) -> "subprocess.Popen[bytes]":
    """The site in production, with nothing but its own secret."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_THE_SITES}
    chosen = {"ENVIRONMENT": "production", "WEB_SECRET": secret, "WEB_PORT": "0"}
    chosen["SITE_URL"] = "https://market.example"
    with open(log, "wb") as output:
        return subprocess.Popen(
            [*MICROTASKS, "serve", "web"],
            cwd=ROOT,
            env={**inherited, **chosen},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def test_in_production_it_needs_no_broker_and_no_keys(tmp_path: Path) -> None:
    process = started(tmp_path / "log", SECRET)
    try:
        eventually(lambda: b"listening" in (tmp_path / "log").read_bytes(), 60, "it listens")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("secret", ["too short", "demo-" + SECRET], ids=("short", "a demo's"))
def test_production_refuses_a_secret_that_can_be_guessed(secret: str, tmp_path: Path) -> None:
    process = started(tmp_path / "log", secret)
    assert process.wait(60) == 2
    assert b"WEB_SECRET: production needs its own" in (tmp_path / "log").read_bytes()
