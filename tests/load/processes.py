"""CPU time and memory of processes, read from /proc."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KIB = 1024


@dataclass(frozen=True)
class _Stat:
    parent: int
    own_seconds: float
    ended_children_seconds: float


def _stat(pid: int) -> _Stat:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return _Stat(int(fields[1]), own / TICKS_PER_SECOND, children / TICKS_PER_SECOND)


def cpu_seconds(pid: int) -> float:
    """CPU time of one process."""
    return _stat(pid).own_seconds


def tree_cpu_seconds(root: int) -> float:
    """CPU time of a process, its descendants, and children that have ended."""
    stats: dict[int, _Stat] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stats[int(entry.name)] = _stat(int(entry.name))
        except OSError:  # it has ended meanwhile
            continue
    family, found = {root}, {root}
    while found:
        found = {pid for pid, stat in stats.items() if stat.parent in found} - family
        family |= found
    return sum(stats[pid].own_seconds + stats[pid].ended_children_seconds for pid in family if pid in stats)


def machine_cpu_seconds() -> tuple[float, float]:
    """Busy and total CPU time of the machine, stolen time counted as busy."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / TICKS_PER_SECOND, sum(ticks) / TICKS_PER_SECOND


def resident_mib(pid: int) -> float:
    """Resident memory of one process now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / KIB
    return 0.0


def describe_machine() -> dict[str, str]:
    """What a reader of a report has to know about the machine."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.machine(),
    )  # fmt: skip
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / KIB / KIB
    return {
        "processor": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
