"""What docs/command-line.md promises is what `microtasks` does."""

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.commands.main import microtasks
from cli.doctor.checks import Finding, Result
from cli.journey.play import Step
from cli.operations.audit_log import AuditEntry
from cli.operations.configuration import Configured
from cli.operations.dead_letter_message import DeadLetter
from cli.operations.failed_events import FailedEvent
from cli.operations.ledger import LedgerFinding
from cli.operations.orders import Consumption, TimelineEntry
from cli.operations.outboxes import Delivery, Outbox
from cli.operations.queues import QueueState
from tests.support.codebase import ROOT


def commands(group: click.Group, path: str = "microtasks") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(microtasks))


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "command-line.md").read_text()


def test_every_command_is_in_the_document(page: str) -> None:
    for path in COMMANDS:
        assert f"`{path}" in page or path.endswith("revoke-staff")
    assert "`revoke-staff`" in page


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


SHAPES = (
    Configured,
    Finding,
    Step,
    AuditEntry,
    FailedEvent,
    Outbox,
    Delivery,
    DeadLetter,
    TimelineEntry,
    Consumption,
    QueueState,
    LedgerFinding,
)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_documented_members_are_those_that_are_printed(page: str, shape: type) -> None:
    members = ", ".join(f'"{field.name}"' for field in dataclasses.fields(shape))
    assert f"{{{members}}}" in page


def test_every_program_readable_command_is_documented(page: str) -> None:
    with_json = {
        path for path, command in COMMANDS.items() if any("--json" in param.opts for param in command.params)
    }
    assert {f"microtasks {name}" for name in re.findall(r"`microtasks ([a-z -]+) --json`", page)} == with_json
    assert all(f"`{result}`" in page for result in Result)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_switched_on_as_documented(page: str, shell: str) -> None:
    assert f"_MICROTASKS_COMPLETE={shell}_source microtasks" in page
    assert "_microtasks_completion" in completion(f"{shell}_source")


def test_completion_knows_the_services() -> None:
    words = {"COMP_WORDS": "microtasks serve ", "COMP_CWORD": "2"}
    assert "orders" in completion("bash_complete", **words)


def completion(instruction: str, **environment: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "microtasks"],
        env={**os.environ, "_MICROTASKS_COMPLETE": instruction, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout
