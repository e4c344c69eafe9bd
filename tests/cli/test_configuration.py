"""`microtasks config` shows every setting, where it came from and what is wrong, and no secret."""

import ast
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.main import microtasks
from cli.operations.configuration import GROUPS, MASK, Configured, configured, masked, problems
from services.accounts.credentials.signing import generate_signing_key
from tests.support.codebase import ROOT

CANARY = "canary-in-a-cage"


def config(*arguments: str) -> Result:
    return CliRunner().invoke(microtasks, ["config", *arguments])


def found(name: str) -> Configured:
    (one,) = [one for one in configured() if one.name == name]
    return one


def _settings_classes() -> Iterator[str]:
    for folder in ("kit", "chassis", "services", "gateway", "website"):
        for path in (ROOT / folder).rglob("*.py"):
            module = ".".join(Path(path).relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and "setting(" in ast.unparse(node):
                    yield f"{module}.{node.name}"


def test_every_settings_class_of_the_codebase_is_shown() -> None:
    bases = {base for cls in GROUPS.values() for base in cls.__mro__ if dataclasses.is_dataclass(base)}
    assert {f"{cls.__module__}.{cls.__name__}" for cls in bases} == set(_settings_classes())


def test_each_setting_is_shown_once_with_its_default_and_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RPC_WORKERS", raising=False)
    names = [one.name for one in configured()]
    assert len(names) == len(set(names))
    workers = found("RPC_WORKERS")
    assert (workers.value, workers.default, workers.origin, workers.problem) == (10, 10, "default", None)
    assert workers.meaning == "calls a process works on at once"


def test_a_setting_says_that_it_came_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_WORKERS", "7")
    workers = found("RPC_WORKERS")
    assert (workers.value, workers.default, workers.origin) == (7, 10, "environment")


def test_secrets_are_masked_on_the_screen_and_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URL", f"amqp://orders:{CANARY}@broker:5672//")
    monkeypatch.setenv(
        "DATABASE_URL", f"postgresql://orders:{CANARY}@db/orders_{{service}}?password={CANARY}"
    )
    monkeypatch.setenv("SESSION_SECRET", CANARY * 3)
    key = generate_signing_key()
    monkeypatch.setenv("TOKEN_SIGNING_KEY", key)
    for done in (config(), config("--json")):
        assert CANARY not in done.output
        assert key not in done.output
    assert found("AMQP_URL").value == "amqp://orders:***@broker:5672//"
    assert found("DATABASE_URL").value == "postgresql://orders:***@db/orders_{service}?***"
    assert found("SESSION_SECRET").value == MASK


@pytest.mark.parametrize(
    "address",
    [
        f"amqp://one:{CANARY}@first;amqp://two:{CANARY}@second",
        f"amqp://one:pa@{CANARY}@host",
        f"amqp://one:pa/{CANARY}@host",
        f"amqp://one:pa?{CANARY}@host",
        f"amqp://host:1/x?password=a@{CANARY}",
        f"amqp://one:{CANARY}@host:port//",
        f"one:{CANARY}",
    ],
)
def test_an_odd_address_shows_no_part_of_its_password(address: str) -> None:
    assert CANARY not in masked(address)


@given(st.text(), st.text(max_size=3))
def test_no_password_is_shown_whatever_stands_in_it(before: str, after: str) -> None:
    assert CANARY not in masked(f"amqp://someone:{before}{CANARY}{after}@host:5672//")


def test_a_bad_value_is_shown_beside_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_WORKERS", "many")
    done = config("--json")
    assert done.exit_code == 2
    shown = json.loads(done.stdout)
    (workers,) = [one for one in shown["settings"] if one["name"] == "RPC_WORKERS"]
    assert workers["value"] == "many"
    assert "RPC_WORKERS" in workers["problem"]
    assert "RPC_WORKERS" in shown["problems"]["every process"]
    assert len(shown["settings"]) == len(list(configured()))


@pytest.mark.parametrize(
    ("name", "value", "group"),
    [
        ("CONFIRMATION_DAYS", "0", "orders"),
        ("TRUSTED_PROXIES", "nowhere", "gateway"),
        ("TOKEN_PUBLIC_KEYS", "short", "every process"),
        ("SESSION_SECRET", "short", "accounts"),
        ("ENVIRONMENT", "production", "every process"),
    ],
)
def test_what_would_stop_a_process_is_a_problem_of_its_group(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, group: str
) -> None:
    monkeypatch.setenv(name, value)
    assert group in problems()
    assert config().exit_code == 2


def test_only_changed_settings_are_shown_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_WORKERS", "3")
    shown = json.loads(config("--changed", "--json").stdout)["settings"]
    assert {one["origin"] for one in shown} == {"environment"}
    assert "EVENT_WORKERS" in {one["name"] for one in shown}


def test_the_table_names_every_setting_unbroken() -> None:
    done = config()
    assert done.exit_code == 0
    assert all(one.name in done.stdout for one in configured())
