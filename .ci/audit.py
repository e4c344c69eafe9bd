"""Looks up known vulnerabilities of every version in requirements.lock; what was not looked up is a failure.

Exit codes: 0 all were audited and nothing is known; 1 something is known; 2 not all could be audited.
`--probe` only tells whether the source of advisories answers: 0, or 3.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOUND, NOT_AUDITED, NO_ANSWER = 1, 2, 3
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
PROBE_SECONDS = 10


def pins(lock: str) -> dict[str, str]:
    """Every package of a lock by its usual name, those for other systems too, with its version."""
    return {usual(name): version for name, version in PIN.findall(lock)}


def usual(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def judge(wanted: dict[str, str], reported: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """The exit code for a report, and what to say."""
    audited = {usual(one["name"]): one for one in reported if "skip_reason" not in one}
    missing = [n for n, v in wanted.items() if n not in audited or audited[n].get("version") != v]
    known = [
        f"{name} {one['version']}: {advisory['id']}"
        for name, one in audited.items()
        for advisory in one["vulns"]
    ]
    if missing:
        return NOT_AUDITED, [*known, f"NOT AUDITED: {len(missing)} of {len(wanted)} ({', '.join(missing)})"]
    if known or not wanted:
        return (FOUND, known) if known else (NOT_AUDITED, ["NOT AUDITED: the lock names no package"])
    return 0, [f"{len(wanted)} of {len(wanted)} packages audited, no known vulnerability"]


def audit(lock: Path) -> tuple[int, list[str]]:
    """Asks about every package of the lock, at once."""
    wanted = pins(lock.read_text())
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in wanted.items()))
        done = subprocess.run(
            [
                os.environ.get("PIP_AUDIT", str(ROOT / ".venv" / "bin" / "pip-audit")),
                *("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "-r", str(listed)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        return judge(wanted, json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return NOT_AUDITED, [done.stderr.strip()[-2000:], "NOT AUDITED: pip-audit gave no report"]


def answers(lock: Path) -> bool:
    """Whether PyPI tells what is known about the first package of the lock."""
    name, version = next(iter(pins(lock.read_text()).items()))
    source = os.environ.get("ADVISORIES", "https://pypi.org/pypi")
    try:
        with urllib.request.urlopen(f"{source}/{name}/{version}/json", timeout=PROBE_SECONDS) as answer:  # noqa: S310
            return "vulnerabilities" in json.load(answer)
    except (OSError, ValueError):
        return False


def main(arguments: list[str]) -> int:
    """Audits the lock, or probes the source."""
    locks = [Path(one) for one in arguments if not one.startswith("-")] or [ROOT / "requirements.lock"]
    if "--probe" in arguments:
        return 0 if answers(locks[0]) else NO_ANSWER
    code, said = audit(locks[0])
    print("\n".join(said), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
