"""deploy/postgres/rights.sh stops before it asks PostgreSQL anything when something cannot be right."""

import os
import subprocess
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.codebase import ROOT, SERVICES

NAMES = ["", *(f"_{name.upper()}" for name in (*SERVICES, "migrate", "operations"))]


def run(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs it with a psql that only says that it was asked."""
    psql = folder / "psql"
    psql.write_text("#!/bin/sh\necho ASKED\ncat >/dev/null\n")
    psql.chmod(0o755)
    passwords = {f"POSTGRES_PASSWORD{name}": token_hex(16) for name in NAMES}
    return subprocess.run(
        ["bash", ROOT / "deploy" / "postgres" / "rights.sh"],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **passwords, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("word", ["prod", "staging", "", "production x;"])
def test_an_unknown_environment_stops_it(tmp_path: Path, word: str) -> None:
    done = run(tmp_path, ENVIRONMENT=word)
    assert done.returncode == 2
    assert "ENVIRONMENT: must be development or production" in done.stderr
    assert "ASKED" not in done.stdout


@pytest.mark.parametrize("word", ["development", " Production\n", "PRODUCTION"])
def test_it_goes_on_with_one_of_the_two_in_any_case(tmp_path: Path, word: str) -> None:
    done = run(tmp_path, ENVIRONMENT=word)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ASKED" in done.stdout


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "POSTGRES_PASSWORD_ORDERS"])
@pytest.mark.parametrize("password", ["demo-orders", "", "short", "aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_production_refuses_a_weak_password_by_its_name(tmp_path: Path, name: str, password: str) -> None:
    done = run(tmp_path, ENVIRONMENT="Production", **{name: password})
    assert done.returncode != 0
    assert name in done.stderr
