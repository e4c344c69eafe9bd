"""The load's own arithmetic, pictures and comparison; and a short run on real servers."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from tests.load.http_load import HttpRequest, Sample, generate_load, read_answer
from tests.load.processes import cpu_seconds, machine_cpu_seconds, tree_cpu_seconds
from tests.load.reporting.pictures import draw
from tests.load.reporting.report import Measurement, Report, load_report, table_of
from tests.load.reporting.targets import (
    EMBEDDED_START,
    LIFECYCLES_REPLAYED,
    TARGETS,
    targets_table,
)


def measurement(scenario: str, per_second: int) -> Measurement:
    """Of `per_second` requests of 1 to n milliseconds in one second."""
    sample = Sample(1.0, [n / 1000 for n in range(1, per_second + 1)])
    return Measurement.of(scenario, "GET", sample, {"orders": 0.2, "gateway": 0.1, "database": 0.4}, 0.5)


def report(*measurements: Measurement) -> Report:
    return Report({"cores": "2"}, measurements, {"orders": 88.0}, 3.0)


def test_percentiles_are_ranks_of_the_latencies() -> None:
    sample = Sample(2.0, [n / 1000 for n in range(100, 0, -1)], {503: 2})
    assert (sample.percentile_ms(50), sample.percentile_ms(99)) == (51.0, 100.0)
    assert (sample.requests, sample.per_second) == (100, 50.0)
    assert Sample().percentile_ms(50) == 0.0


def test_cpu_is_per_operation_and_servers_are_not_ours() -> None:
    found = measurement("read order", 100)
    assert found.cpu_ms == {"orders": 2.0, "gateway": 1.0, "database": 4.0}
    assert found.application_cpu_ms == 3.0


def test_a_report_survives_its_file_and_is_compared_with_the_last(tmp_path: Path) -> None:
    earlier = report(measurement("read order", 100), measurement("list orders", 50))
    earlier.write(tmp_path / "build" / "report.json")
    assert load_report(tmp_path / "build" / "report.json") == earlier
    assert load_report(tmp_path / "none.json") is None
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table_of(report(measurement("read order", 150)), earlier))
    assert "150 (+50 %)" in console.export_text()


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"measurements": [{"scenario": "x"}]}')
    with pytest.raises(ValueError, match="not a report"):
        load_report(tmp_path / "report.json")


def reached(report: Report, work: str) -> tuple[float | None, str]:
    target = next(target for target in TARGETS if target.work == work)
    value = target.measured(report)
    return value, "" if value is None else target.reached(value)


def test_targets_need_what_they_compare_and_say_what_is_reached() -> None:
    both = report(measurement("read order", 100), measurement("list orders", 50))
    assert reached(both, "list of 20 own orders") == (0.5, "no")
    assert reached(both, "whole lifecycle") == (None, "")
    facts = replace(both, facts={EMBEDDED_START: 2.5, LIFECYCLES_REPLAYED: 500.0})
    assert reached(facts, "start of the embedded marketplace") == (2.5, "must")
    with_lifecycle = replace(facts, measurements=(measurement("lifecycle", 100),))
    assert reached(with_lifecycle, "whole lifecycle") == (0.2, "aim")
    assert reached(both, "resident memory, largest service") == (88.0, "must")


def test_every_target_is_shown() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(targets_table(report(measurement("read order", 100))))
    shown = console.export_text()
    assert all(target.work in shown for target in TARGETS)
    assert "not measured" in shown


def test_pictures_are_well_formed_and_name_every_scenario(tmp_path: Path) -> None:
    paths = draw(report(measurement("read order & more", 100), measurement("place order", 5)), tmp_path)
    assert [path.name for path in paths] == ["latency.svg", "throughput.svg", "cpu.svg"]
    for path in paths:
        text = "".join(ElementTree.parse(path).getroot().itertext())
        assert "read order & more" in text and "place order" in text


def test_cpu_of_processes_is_read_from_the_system() -> None:
    busy, total = machine_cpu_seconds()
    assert 0 < busy <= total
    assert 0 <= cpu_seconds(1) <= tree_cpu_seconds(1)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\nok" % status)


@pytest.mark.parametrize("status", [200, 503])
def test_load_counts_answers_and_errors(status: int) -> None:
    async def run() -> Sample:
        server = await asyncio.start_server(lambda r, w: _answer(r, w, status), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        request = HttpRequest("POST", "/", (("X-One", "1"),), b"body")
        try:
            return await generate_load(port, lambda: request, 3, 0.05)
        finally:
            server.close()

    sample = asyncio.run(run())
    assert (sample.requests > 0, sample.errors.get(503, 0) > 0) == (status == 200, status == 503)


def test_an_answer_without_length_is_an_error() -> None:
    async def run() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"HTTP/1.1 200 OK\r\n\r\n")
        await read_answer(reader)

    with pytest.raises(ValueError, match="Content-Length"):
        asyncio.run(run())
