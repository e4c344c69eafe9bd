"""`microtasks` says what it can do, and complains in one sentence with the right exit code."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from chassis.storage.database import make_engine
from kit.settings import Settings
from services.accounts.models import ACCOUNTS
from services.registry import NAMES
from tests.support.codebase import ROOT
from tests.support.servers import free_port


def microtasks(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command() -> None:
    done = microtasks("--help")
    assert done.returncode == 0
    for command in ("dev", "serve", "migrate", "seed", "accounts"):
        assert command in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("fly",), ("serve",), ("serve", "payroll"), ("migrate", "gateway"), ("accounts", "grant-staff")],
)
def test_asking_wrongly_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = microtasks(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (("serve", "orders"), "RPC_WORKERS", "many"),
        (("serve", "orders"), "CONFIRMATION_DAYS", "0"),
        (("serve", "accounts"), "SESSION_SECRET", "short"),
        (("serve", "gateway"), "GATEWAY_PORT", "http"),
        (("migrate",), "RPC_WORKERS", "many"),
    ],
)
def test_a_bad_setting_is_named(arguments: tuple[str, ...], name: str, value: str) -> None:
    done = microtasks(*arguments, **{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_without_a_database_says_so_and_hides_the_password() -> None:
    url = f"postgresql://someone:hidden-word@127.0.0.1:{free_port()}/microtasks_{{service}}"
    done = microtasks("migrate", DATABASE_URL=url)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "hidden-word" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.servers
def test_migrate_without_a_broker_says_so() -> None:
    done = microtasks("migrate", AMQP_URL=f"amqp://guest:hidden-word@127.0.0.1:{free_port()}//")
    assert done.returncode == 1
    assert "RabbitMQ cannot be used" in done.stderr
    assert "hidden-word" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.servers
def test_migrate_may_be_repeated_and_names_what_it_did() -> None:
    for _ in range(2):
        done = microtasks("migrate")
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout for name in NAMES)


def test_seeding_needs_a_gateway() -> None:
    done = microtasks("seed", "--url", f"http://127.0.0.1:{free_port()}", "--patience", "0.2")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.servers
def test_staff_is_granted_and_revoked_by_e_mail(servers: Settings) -> None:
    assert microtasks("migrate", "accounts").returncode == 0
    unknown = microtasks("accounts", "grant-staff", "nobody@test.example")
    assert unknown.returncode == 1
    assert "nobody@test.example" in unknown.stderr

    engine = make_engine(servers, "accounts")
    with engine.begin() as connection:
        connection.execute(ACCOUNTS.insert().values(_account("head@test.example")))
    for command, roles in (("grant-staff", ["member", "staff"]), ("revoke-staff", ["member"])):
        done = microtasks("accounts", command, "Head@test.example")
        assert done.returncode == 0, done.stderr
        with engine.connect() as connection:
            head = select(ACCOUNTS.c.roles).where(ACCOUNTS.c.email == "head@test.example")
            assert connection.scalar(head) == roles
    engine.dispose()


def _account(email: str) -> dict[str, object]:
    return {
        "id": "0198a1b2-0000-7000-8000-000000000001",
        "email": email,
        "email_normalised": email,
        "password_hash": "none",
        "display_name": "Head",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "accounts"),
        ("serve", "gateway"),
        ("serve", "web"),
        ("migrate",),
        ("dev",),
        ("seed",),
        ("orders", "show", "01890000-0000-7000-8000-0000000000f1"),
        ("accounts", "grant-staff", "a@example.com"),
    ],
)
def test_every_command_stops_at_an_unknown_environment(arguments: tuple[str, ...]) -> None:
    done = microtasks(*arguments, ENVIRONMENT="prod")
    assert done.returncode == 2
    assert "ENVIRONMENT: must be one of development, production" in done.stderr
    assert "Traceback" not in done.stderr
