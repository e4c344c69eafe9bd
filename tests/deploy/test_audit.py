"""`make audit` fails unless every package of the lock was really looked up and nothing is known of any."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.codebase import ROOT

LOCK = """
click==8.5.1 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:01
Psycopg2.Binary[x]==2.9 ; python_version < '3.14' \\
    --hash=sha256:02
    # via -r pyproject.toml
"""
CLEAN: list[dict[str, Any]] = [
    {"name": "click", "version": "8.5.1", "vulns": []},
    {"name": "colorama", "version": "0.4.6", "vulns": []},
    {"name": "psycopg2-binary", "version": "2.9", "vulns": []},
]
KNOWN = {"name": "click", "version": "8.5.1", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]}
Audit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Runs the script with a pip-audit that prints what the test says."""
    (tmp_path / "lock").write_text(LOCK)

    def run(report: str, code: int = 0, *arguments: str, **environment: str) -> Any:
        fake = tmp_path / "pip-audit"
        (tmp_path / "report").write_text(report)
        fake.write_text(f'#!/bin/sh\nfor last; do :; done\ncp "$last" {tmp_path}/asked\n'
                        f"cat {tmp_path}/report\nexit {code}\n")  # fmt: skip
        fake.chmod(0o755)
        return subprocess.run(
            [sys.executable, ROOT / ".ci" / "audit.py", *arguments, tmp_path / "lock"],
            env={**os.environ, "PIP_AUDIT": str(fake), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def report(dependencies: list[dict[str, Any]]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_all_audited_and_nothing_known_passes(audit: Audit, tmp_path: Path) -> None:
    done = audit(report(CLEAN))
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "3 of 3 packages audited, no known vulnerability",
    )
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["click==8.5.1", "colorama==0.4.6", "psycopg2-binary==2.9"], "other systems' too"


def test_a_known_vulnerability_fails_with_its_name(audit: Audit) -> None:
    done = audit(report([KNOWN, *CLEAN[1:]]), 1)
    assert (done.returncode, done.stderr.strip()) == (1, "click 8.5.1: PYSEC-1")


@pytest.mark.parametrize(
    "dependencies",
    [
        [],
        CLEAN[:2],
        [{"name": "click", "skip_reason": "Dependency not found on PyPI"}, *CLEAN[1:]],
        [{"name": one["name"], "skip_reason": "Dependency not found on PyPI"} for one in CLEAN],
        [{**CLEAN[0], "version": "8.5.0"}, *CLEAN[1:]],
    ],
    ids=("nothing", "one missing", "one skipped", "all skipped", "another version"),
)
def test_what_was_not_looked_up_fails(audit: Audit, dependencies: list[dict[str, Any]]) -> None:
    done = audit(report(dependencies))
    assert done.returncode == 2
    assert "NOT AUDITED" in done.stderr
    assert "no known" not in done.stdout + done.stderr


@pytest.mark.parametrize("printed", ["", "no json", "[]", "{}", '{"dependencies": null}'])
def test_no_report_fails(audit: Audit, printed: str) -> None:
    assert audit(printed).returncode == 2
    assert audit(printed, 1).returncode == 2


def test_a_lock_without_packages_fails(audit: Audit, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("# nothing\n")
    assert audit(report([])).returncode == 2


@pytest.fixture
def source() -> Iterator[tuple[str, list[bytes]]]:
    """A source of advisories that answers with the first of a list, or 404 when it is empty."""
    answers: list[bytes] = []

    class Source(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if answers else 404)
            self.end_headers()
            self.wfile.write(answers[0] if answers else b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Source) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b'{"vulnerabilities": []}', 0), (b'{"info": {}}', 3), (b"<html>", 3), (None, 3)],
    ids=("advisories", "something else", "a page", "404"),
)
def test_a_probe_tells_whether_the_source_answers(
    audit: Audit, source: tuple[str, list[bytes]], answer: bytes | None, code: int
) -> None:
    url, answers = source
    answers += [answer] if answer is not None else []
    assert audit("", 0, "--probe", ADVISORIES=url).returncode == code


def test_ci_audits_where_it_can_and_says_so_where_it_cannot() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    assert "audit.py --probe" in gate and "make audit" in gate and "!!! NOT AUDITED" in gate
    assert ".ci/audit.py" in (ROOT / "Makefile").read_text()
