"""The table of what each fault cost, and the progress while it is made."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.checker import consistency
from tests.faults.checker.finding import Finding
from tests.faults.load.generator import Load

COLUMNS = ("fault", "attempted", "acknowledged", "lost", "duplicated", "wrong", "seconds until recovered")
PROGRESS_SECONDS = 15.0


@dataclass
class Result:
    """One row."""

    fault: str
    attempted: int
    acknowledged: int
    seconds_until_recovered: float | None  # None: it never was, or the fault itself went wrong
    findings: list[Finding] = field(default_factory=list)

    def cells(self) -> list[str]:
        """As the table shows it."""
        counts = consistency.counted(self.findings)
        numbers = (self.attempted, self.acknowledged, *(counts[k] for k in ("lost", "duplicated", "wrong")))
        seconds = self.seconds_until_recovered
        return [self.fault, *(str(n) for n in numbers), "failed" if seconds is None else f"{seconds:.1f}"]


class Report:
    """Collects rows; says what is going on every few seconds when asked to."""

    def __init__(self, folder: Path | None, seed: int) -> None:
        self.results: list[Result] = []
        self._folder = folder
        self._seed = seed
        self._console = Console(width=120, quiet=folder is None)
        self._load: Load | None = None
        self._described = ""

    @contextmanager
    def row(self, name: str) -> Iterator[None]:
        """Shows progress while one fault runs."""
        self._load, self._described = None, ""
        began, done = time.monotonic(), threading.Event()

        def report() -> None:
            while not done.wait(PROGRESS_SECONDS):
                self._console.print(f"  {name}: {time.monotonic() - began:.0f} s{self._progress()}")

        thread = threading.Thread(target=report, name="progress", daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self.add(Result(name, *self._numbers(), seconds_until_recovered=None))
            raise
        finally:
            done.set()
            thread.join()

    def watch(self, load: Load) -> Callable[[str], None]:
        """Shows this load's numbers; answers the function by which a fault says how far it is."""
        self._load = load
        return self._say

    def add(self, result: Result) -> None:
        """Adds a row and writes the table anew, so that an interrupted run leaves one too."""
        self.results.append(result)
        self._console.print(" · ".join(f"{c} {v}" for c, v in zip(COLUMNS, result.cells(), strict=True)))
        if self._folder is not None:
            self._write(self._folder)

    def show(self) -> None:
        """Prints the table."""
        table = Table(*COLUMNS, title=f"Faults, seed {self._seed}")
        for result in self.results:
            table.add_row(*result.cells())
        self._console.print(table)

    def _say(self, text: str) -> None:
        self._described = f" · {text}"

    def _numbers(self) -> tuple[int, int]:
        return (0, 0) if self._load is None else (self._load.attempted, self._load.acknowledged)

    def _progress(self) -> str:
        attempted, acknowledged = self._numbers()
        return f" · {attempted} attempted, {acknowledged} acknowledged{self._described}"

    def _write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *(r.cells() for r in self.results)]
        (folder / "faults.md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))
        rows = [dict(zip(COLUMNS, result.cells(), strict=True)) for result in self.results]
        reported = [str(finding) for result in self.results for finding in result.findings]
        (folder / "faults.json").write_text(
            json.dumps({"seed": self._seed, "rows": rows, "findings": reported}, indent=1, ensure_ascii=False)
        )


def report_folder() -> Path | None:
    """Where `make faults` wants the table; None in a run of other tests."""
    folder = os.environ.get("FAULTS_REPORT")
    return Path(folder) if folder else None
