"""A report as pictures: horizontal bars, drawn as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tests.load.reporting.report import Report

WIDTH, LEFT, RIGHT, ROW, TOP = 900, 220, 90, 22, 56
COLORS = (
    "#2563eb", "#c2410c", "#15803d", "#7c3aed", "#0e7490", "#be185d", "#a16207", "#475569", "#94a3b8",
)  # fmt: skip
Bars = Sequence[tuple[str, Mapping[str, float]]]


def draw(report: Report, folder: Path) -> list[Path]:
    """Writes the pictures and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    measurements = report.measurements
    pictures = {
        "latency.svg": stacked_bars(
            "Latency, milliseconds (p50, then up to p95 and p99)",
            [
                (
                    m.scenario,
                    {"p50": m.p50_ms, "p95": m.p95_ms - m.p50_ms, "p99": m.p99_ms - m.p95_ms},
                )
                for m in measurements
            ],
        ),
        "throughput.svg": stacked_bars(
            "Operations per second", [(m.scenario, {"operations/s": m.per_second}) for m in measurements]
        ),
        "cpu.svg": stacked_bars(
            "CPU milliseconds per operation, by process", [(m.scenario, m.cpu_ms) for m in measurements]
        ),
    }
    for name, picture in pictures.items():
        (folder / name).write_text(picture)
    return [folder / name for name in pictures]


def stacked_bars(title: str, bars: Bars) -> str:
    """One bar for each row, its parts side by side, the total behind it."""
    parts = list(dict.fromkeys(part for _, values in bars for part in values))
    color = {part: COLORS[number % len(COLORS)] for number, part in enumerate(parts)}
    longest = max((sum(values.values()) for _, values in bars), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + ROW * len(bars) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        f' font-size="12" role="img"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="20" font-size="15" font-weight="600">{escape(title)}</text>',
        _legend(parts, color),
    ]
    for number, (name, values) in enumerate(bars):
        lines.append(_bar(name, values, TOP + ROW * number, scale, color))
    return "\n".join([*lines, "</svg>", ""])


def _legend(parts: Sequence[str], color: Mapping[str, str]) -> str:
    lines, x = [], 12
    for part in parts:
        lines.append(f'<rect x="{x}" y="30" width="11" height="11" fill="{color[part]}"/>')
        lines.append(f'<text x="{x + 15}" y="40">{escape(part)}</text>')
        x += 30 + 7 * len(part)
    return "\n".join(lines)


def _bar(name: str, values: Mapping[str, float], y: int, scale: float, color: Mapping[str, str]) -> str:
    lines, x = [f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'], float(LEFT)
    for part, value in values.items():
        width = max(value, 0) * scale
        lines.append(
            f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW - 7}" fill="{color[part]}"/>'
        )
        x += width
    lines.append(f'<text x="{x + 6:.1f}" y="{y + 14}">{sum(values.values()):,.2f}</text>')
    return "\n".join(lines)
