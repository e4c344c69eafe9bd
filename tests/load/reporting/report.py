"""What a run of the load measured: as a table, as JSON, and beside the last report."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from tests.load.http_load import Sample

SERVERS = ("database", "broker")
TEXT_COLUMNS = ("scenario", "operation")
NUMBER_COLUMNS = (
    "per s", "p50 ms", "p95 ms", "p99 ms", "errors", "our CPU ms", "database", "broker", "drained s",
)  # fmt: skip


@dataclass(frozen=True)
class Measurement:
    """One scenario. `cpu_ms` is CPU milliseconds per operation by process, `database` and `broker`;
    `drained_seconds` is how long consumers needed after the load to process every event of it."""

    scenario: str
    operation: str
    per_second: float
    operations: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    drained_seconds: float = 0.0

    @property
    def application_cpu_ms(self) -> float:
        """CPU of our own processes, per operation."""
        return sum(used for name, used in self.cpu_ms.items() if name not in SERVERS)

    @classmethod
    def of(
        cls,
        scenario: str,
        operation: str,
        sample: Sample,
        cpu_seconds: Mapping[str, float],
        drained_seconds: float = 0.0,
    ) -> "Measurement":
        """From a sample and the CPU seconds used for it."""
        count = max(sample.requests, 1)
        return cls(
            scenario,
            operation,
            round(sample.per_second, 2),
            sample.requests,
            round(sample.percentile_ms(50), 2),
            round(sample.percentile_ms(95), 2),
            round(sample.percentile_ms(99), 2),
            sum(sample.errors.values()),
            {name: round(used / count * 1000, 3) for name, used in cpu_seconds.items()},
            round(drained_seconds, 2),
        )


@dataclass(frozen=True)
class Report:
    """Everything one run measured."""

    machine: Mapping[str, str]
    measurements: tuple[Measurement, ...]
    memory_mib: Mapping[str, float]
    other_cpu_percent: float
    memory_at_start_mib: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    made_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def by_scenario(self) -> dict[str, Measurement]:
        """The measurements by the names of their scenarios."""
        return {measurement.scenario: measurement for measurement in self.measurements}

    def write(self, path: Path) -> None:
        """Stores it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def load_report(path: Path) -> Report | None:
    """A stored report, None when there is none.

    Raises: ValueError when the file holds something else.
    """
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text())
    document.pop("ratios", None)  # reports of release 0.1.0 hold them
    try:
        measurements = tuple(Measurement(**measurement) for measurement in document.pop("measurements"))
        return Report(measurements=measurements, **document)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a report of the load: {error}") from error


def table_of(report: Report, earlier: Report | None) -> Table:
    """The measurements, each beside the same scenario of an earlier report."""
    before = {m.scenario: m for m in earlier.measurements} if earlier else {}
    table = Table(title="Load", caption=_caption(report), caption_justify="left")
    for column in TEXT_COLUMNS:
        table.add_column(column)
    for column in NUMBER_COLUMNS:
        table.add_column(column, justify="right")
    for m in report.measurements:
        last = before.get(m.scenario)
        table.add_row(
            m.scenario,
            m.operation,
            _beside(m.per_second, last.per_second if last else None),
            *(f"{value:.1f}" for value in (m.p50_ms, m.p95_ms, m.p99_ms)),
            str(m.errors),
            _beside(m.application_cpu_ms, last.application_cpu_ms if last else None),
            f"{m.cpu_ms.get('database', 0):.2f}",
            f"{m.cpu_ms.get('broker', 0):.2f}",
            f"{m.drained_seconds:.1f}",
        )
    return table


def _beside(value: float, last: float | None) -> str:
    shown = f"{value:.2f}" if value < 100 else f"{value:.0f}"
    return shown if not last else f"{shown} ({(value - last) / last * 100:+.0f} %)"


def _caption(report: Report) -> str:
    machine = ", ".join(report.machine.values())
    noise = f"Other work used {report.other_cpu_percent:.0f} % of the machine."
    start = report.memory_at_start_mib
    memory = ", ".join(
        f"{name} {start[name]:.0f} → {mib:.0f}" if name in start else f"{name} {mib:.0f}"
        for name, mib in report.memory_mib.items()
    )
    return f"{machine}. {noise}\nMiB: {memory}"
