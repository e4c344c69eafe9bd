"""`microtasks ledger reconcile` is silent about what adds up and loud about what does not."""

import json

import pytest
from click.testing import CliRunner

from chassis.storage.database import Db
from cli.commands.main import microtasks
from cli.operations import ledger
from tests.support.stack import Stack

FINDING = {
    "check": "processor_differs",
    "subject": "01890000-0000-7000-8000-0000000000b1",
    "detail": "ours 1",
}


def test_the_ledger_of_a_used_marketplace_adds_up(stack: Stack) -> None:
    stack.command("demo", "--url", stack.url, "--json")
    assert "adds up" in stack.command("ledger", "reconcile")
    assert json.loads(stack.command("ledger", "reconcile", "--json")) == {"result": "ok", "findings": []}


def test_what_does_not_add_up_is_listed_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "audit_ledger", lambda _, report: [FINDING])
    monkeypatch.setattr(Db, "read", lambda *_: None)
    done = CliRunner().invoke(microtasks, ["ledger", "reconcile"])
    assert done.exit_code == 1
    assert "processor_differs" in done.stdout
    done = CliRunner().invoke(microtasks, ["ledger", "reconcile", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"result": "failed", "findings": [FINDING]}


def test_without_a_database_it_ends_with_1_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/microtasks_{service}")
    done = CliRunner().invoke(microtasks, ["ledger", "reconcile"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: payments:")
    assert "Traceback" not in done.stderr


def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_PROCESSOR", "purse")
    done = CliRunner().invoke(microtasks, ["ledger", "reconcile"])
    assert done.exit_code == 2
    assert "PAYMENT_PROCESSOR" in done.stderr
