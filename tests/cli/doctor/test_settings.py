"""The doctor tells settings that stop a process from those another process has."""

from secrets import token_hex

import pytest

from cli.doctor.checks import Finding, Result
from cli.doctor.settings import examine_settings
from cli.operations.configuration import configured
from kit.security.keys import public_key_of
from kit.settings import load
from services.accounts.credentials.signing import generate_signing_key
from services.accounts.settings import AccountSettings
from services.registry import NAMES


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in configured():
        monkeypatch.delenv(one.name, raising=False)


def look(*services: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine_settings(services or NAMES)}


def in_production(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    key = generate_signing_key()
    good = {
        "ENVIRONMENT": "production",
        "AMQP_URL": f"amqp://orders:{token_hex(16)}@broker//",
        "TOKEN_PUBLIC_KEYS": public_key_of(key),
        "TOKEN_SIGNING_KEY": key,
        "DATABASE_URL": f"postgresql://orders:{token_hex(16)}@db/microtasks_{{service}}",
        "SESSION_SECRET": token_hex(24),
        "PAYMENT_PROCESSOR": "stripe",
        "STRIPE_SECRET_KEY": "sk_live_1",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{token_hex(16)}",
    }
    for name, value in {**good, **variables}.items():
        if value:
            monkeypatch.setenv(name, value)


def test_defaults_are_well_for_development() -> None:
    findings = look()
    assert {finding.result for finding in findings.values()} == {Result.OK}
    assert "development" in findings["environment"].found


def test_good_secrets_are_well_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(monkeypatch)
    assert {finding.result for finding in look().values()} == {Result.OK}


@pytest.mark.parametrize(
    ("variable", "value", "group"),
    [
        ("AMQP_URL", "amqp://guest:guest@broker//", "every process"),
        ("TOKEN_PUBLIC_KEYS", "", "every process"),
        ("SESSION_SECRET", "short", "accounts"),
        ("ORDER_EXPIRY_HOURS", "-1", "orders"),
        ("PAYMENT_PROCESSOR", "sandbox", "payments"),
        ("CORS_ORIGINS", "https://one.example", None),
        ("GATEWAY_PORT", "http", "gateway"),
    ],
)
def test_what_would_stop_a_process_fails(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, group: str | None
) -> None:
    in_production(monkeypatch, **{variable: value})
    failed = {check for check, finding in look().items() if finding.result is Result.FAILED}
    assert failed == ({group} if group else set())


def test_a_secret_that_only_accounts_has_is_a_warning_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(monkeypatch, TOKEN_SIGNING_KEY="", SESSION_SECRET="")
    finding = look()["accounts"]
    assert finding.result is Result.WARNING
    assert "Only the accounts process needs it" in finding.advice
    assert "accounts" not in look("orders")


def test_a_secret_that_only_payments_has_is_a_warning_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(monkeypatch, STRIPE_SECRET_KEY="")
    finding = look()["payments"]
    assert finding.result is Result.WARNING
    assert "Only the payments process needs it" in finding.advice


def test_a_signing_key_that_nobody_verifies_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(monkeypatch, TOKEN_PUBLIC_KEYS=public_key_of(generate_signing_key()))
    finding = look()["keys"]
    assert finding.result is Result.FAILED
    assert public_key_of(load(AccountSettings).token_signing_key) in finding.advice


def test_one_database_for_all_services_is_worth_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://orders@db/orders")
    assert look()["databases"].result is Result.WARNING
    assert "databases" not in look("orders")


def test_an_unknown_environment_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert look()["every process"].result is Result.FAILED
