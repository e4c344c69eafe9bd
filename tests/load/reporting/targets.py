"""The product's own part of the table in docs/performance.md: measured, must, aim, reached."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.table import Table

from tests.load.reporting.report import Measurement, Report

AT_LEAST, AT_MOST = "≥", "≤"
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {AT_LEAST: operator.ge, AT_MOST: operator.le}
COLUMNS = ("work", "against", "measured", "must", "aim", "reached")
LIFECYCLES_REPLAYED = "lifecycles replayed per second"
EMBEDDED_START = "start of the embedded marketplace, s"
GROWTH = "growth over the calls, MiB"
FEW, MANY = "few stored", "many stored"
ONE_PROCESS, TWO_PROCESSES = "read order, one process", "read order, two processes"


@dataclass(frozen=True)
class Target:
    """One row. `measured` is None where a report lacks what it needs."""

    work: str
    against: str
    measured: Callable[[Report], float | None]
    bound: str
    must: float
    aim: float | None = None
    unit: str = ""

    def reached(self, value: float) -> str:
        """Which of both is reached."""
        reaches = _COMPARE[self.bound]
        if not reaches(value, self.must):
            return "no"
        return "aim" if self.aim is not None and reaches(value, self.aim) else "must"


def _cpu(measurement: Measurement) -> float:
    return sum(measurement.cpu_ms.values())


def _by_cpu(of: str, to: str) -> Callable[[Report], float | None]:
    """CPU of one scenario's operation in that of another one, of all processes and servers."""

    def measured(report: Report) -> float | None:
        found = report.by_scenario()
        return _cpu(found[to]) / _cpu(found[of]) if of in found and to in found and _cpu(found[of]) else None

    return measured


def _gateway_cpu(of: str, to: str) -> Callable[[Report], float | None]:
    """CPU of the gateway alone, for what no other process takes part in."""

    def measured(report: Report) -> float | None:
        found = report.by_scenario()
        if of not in found or to not in found or not found[of].cpu_ms.get("gateway"):
            return None
        return found[to].cpu_ms["gateway"] / found[of].cpu_ms["gateway"]

    return measured


def _growth_of_cost(scenario: str) -> Callable[[Report], float | None]:
    return _by_cpu(f"{scenario}, {FEW}", f"{scenario}, {MANY}")


def _throughput(of: str, to: str) -> Callable[[Report], float | None]:
    def measured(report: Report) -> float | None:
        found = report.by_scenario()
        if of not in found or to not in found or not found[to].per_second:
            return None
        return found[of].per_second / found[to].per_second

    return measured


def _lifecycle(report: Report) -> float | None:
    found, replayed = report.by_scenario(), report.facts.get(LIFECYCLES_REPLAYED)
    return found["lifecycle"].per_second / replayed if "lifecycle" in found and replayed else None


def _stream(percentile: str) -> Callable[[Report], float | None]:
    def measured(report: Report) -> float | None:
        found = report.by_scenario().get("event streams")
        return None if found is None else float(getattr(found, percentile))

    return measured


def _memory(report: Report) -> float | None:
    services = [mib for name, mib in report.memory_mib.items() if name not in ("gateway", "web")]
    return max(services, default=None)


def _fact(name: str) -> Callable[[Report], float | None]:
    return lambda report: report.facts.get(name)


TARGETS = (
    Target(
        "list of 20 own orders", "GET one order", _by_cpu("list orders", "read order"), AT_LEAST, 0.65, 0.8
    ),
    Target(
        "cached public read",
        "own /healthz",
        _gateway_cpu("cached read", "health check"),
        AT_LEAST,
        0.75,
        0.85,
    ),
    Target("whole lifecycle", "sum of its statements", _lifecycle, AT_LEAST, 0.1, 0.2),
    Target("commit → other party's stream, p50", "–", _stream("p50_ms"), AT_MOST, 30, unit=" ms"),
    Target("commit → other party's stream, p99", "–", _stream("p99_ms"), AT_MOST, 150, unit=" ms"),
    Target("two processes of a service", "one", _throughput(TWO_PROCESSES, ONE_PROCESS), AT_LEAST, 1.6),
    Target("resident memory, largest service", "–", _memory, AT_MOST, 95, 70, " MiB"),
    Target("its growth over 100,000 calls", "–", _fact(GROWTH), AT_MOST, 5, unit=" MiB"),
    Target("start of the embedded marketplace", "–", _fact(EMBEDDED_START), AT_MOST, 3, unit=" s"),
    Target("read order, 1,000,000 stored", "10,000 stored", _growth_of_cost("read order"), AT_MOST, 1.3),
    Target("list orders, 1,000,000 stored", "10,000 stored", _growth_of_cost("list orders"), AT_MOST, 1.3),
    Target("place order, 1,000,000 stored", "10,000 stored", _growth_of_cost("place order"), AT_MOST, 1.3),
)


def targets_table(report: Report) -> Table:
    """Every row with its measured value, or why it has none."""
    table = Table(title="Targets (docs/performance.md)", caption="Ratios of work are ratios of CPU.")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in ("measured", "must", "aim") else "left")
    for target in TARGETS:
        value = target.measured(report)
        table.add_row(
            target.work,
            target.against,
            "not measured" if value is None else f"{value:.2f}{target.unit}",
            f"{target.bound} {target.must:g}",
            "" if target.aim is None else f"{target.bound} {target.aim:g}",
            "" if value is None else target.reached(value),
        )
    return table
