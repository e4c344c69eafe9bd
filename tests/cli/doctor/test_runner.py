"""The doctor comes back with everything it could find, in the time it was given, and says how bad it is."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from cli.commands.main import microtasks
from cli.doctor.checks import Finding, ok
from cli.doctor.checks import Result as Outcome
from cli.doctor.runner import examine, side_by_side
from services.registry import NAMES
from tests.support.servers import free_port
from tests.support.stack import Stack


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(microtasks, ["doctor", *arguments])


@pytest.fixture
def everything_down(monkeypatch: pytest.MonkeyPatch) -> str:
    """Settings that lead to closed ports; the gateway's address."""
    monkeypatch.setenv("AMQP_URL", f"amqp://someone:hidden-word@127.0.0.1:{free_port()}//")
    database = f"postgresql://someone:hidden-word@127.0.0.1:{free_port()}/microtasks_{{service}}"
    monkeypatch.setenv("DATABASE_URL", database)
    return f"http://127.0.0.1:{free_port()}"


def test_with_everything_down_each_part_says_so_soon(everything_down: str) -> None:
    began = time.monotonic()
    done = doctor("--url", everything_down)
    assert time.monotonic() - began < 20
    assert done.exit_code == 1
    for advice in ("Start RabbitMQ", "Start PostgreSQL", "serve gateway"):
        assert advice in done.stdout
    assert "hidden-word" not in done.output
    assert "Traceback" not in done.output


def test_a_program_reads_the_same_as_json(everything_down: str) -> None:
    done = doctor("--json", "--url", everything_down)
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["result"] == "failed"
    subjects = {finding["subject"] for finding in told["findings"]}
    assert subjects == {"settings", "broker", "gateway", *(f"{name} database" for name in NAMES)}
    assert all(finding["advice"] for finding in told["findings"] if finding["result"] != "ok")


def test_only_the_services_asked_for_are_looked_at(everything_down: str) -> None:
    subjects = {finding.subject for finding in examine(["orders"], everything_down, 20)}
    assert subjects == {"settings", "broker", "orders database", "gateway"}


def test_a_site_is_looked_at_when_one_is_named(everything_down: str) -> None:
    findings = json.loads(doctor("orders", "--json", "--site", everything_down).stdout)["findings"]
    [found] = [finding for finding in findings if finding["subject"] == "site"]
    assert "serve web" in found["advice"]


def test_settings_that_cannot_be_read_are_told_before_all_else(
    monkeypatch: pytest.MonkeyPatch, everything_down: str
) -> None:
    monkeypatch.setenv("RPC_WORKERS", "many")
    findings = examine(NAMES, everything_down, 20)
    assert "RPC_WORKERS" in findings[0].found
    assert [f.advice for f in findings if f.subject == "broker"] == ["Fix the settings first."]


def test_what_hangs_is_left_behind_with_what_it_found_so_far() -> None:
    over = threading.Event()

    def hangs() -> Iterator[Finding]:
        yield ok("slow", "first", "found")
        over.wait(30)

    began = time.monotonic()
    findings = side_by_side({"slow": hangs, "quick": lambda: [ok("quick", "only", "found")]}, 0.3)
    assert time.monotonic() - began < 5
    over.set()
    assert [(f.subject, f.check, f.result) for f in findings] == [
        ("slow", "first", Outcome.OK),
        ("slow", "examination", Outcome.FAILED),
        ("quick", "only", Outcome.OK),
    ]


def test_a_defect_of_the_doctor_hides_nothing_else() -> None:
    def breaks() -> Iterator[Finding]:
        yield from ()
        raise KeyError("surprise")

    findings = side_by_side({"broken": breaks, "quick": lambda: [ok("quick", "only", "found")]}, 5)
    assert [f.result for f in findings] == [Outcome.FAILED, Outcome.OK]
    assert "surprise" in findings[0].found


@pytest.mark.parametrize(
    "arguments",
    [("payroll",), ("--within", "0"), ("--url", "nonsense"), ("--url", "ftp://host"), ("--site", "nonsense")],
)
def test_asking_wrongly_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert doctor(*arguments).exit_code == 2


def test_a_running_marketplace_is_well(stack: Stack) -> None:
    told = json.loads(stack.command("doctor", "--json", "--url", stack.url))
    assert [f for f in told["findings"] if f["result"] == "failed"] == []
    running = {f["subject"]: f["found"] for f in told["findings"] if f["check"] == "consumers"}
    assert running["orders queues"] == "3 running"
    assert set(running) == {f"{name} queues" for name in NAMES}


def test_a_stopped_service_is_found_and_the_others_are_well(stack: Stack) -> None:
    for process in stack.of("reviews"):
        process.stop()
    with pytest.raises(AssertionError, match="reviews is not running"):
        stack.command("doctor", "--url", stack.url)
    stack.restore()
    assert "reviews is not running" not in stack.command("doctor", "--url", stack.url)
