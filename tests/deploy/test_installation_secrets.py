"""An installation makes its own secrets once, and gives each process only what is its own."""

import ssl
from collections import Counter
from pathlib import Path
from secrets import token_hex

import pytest
from click.testing import CliRunner, Result

from cli.installation_secrets import ALL, CERTIFICATE, main, makers, shares
from kit.security.keys import public_key_of
from kit.security.strength import weakness_of_password, weakness_of_secret
from kit.settings import Settings, load
from services.accounts.settings import AccountSettings
from tests.support.codebase import SERVICES
from website.settings import WebSettings

ORIGINALS = {name: make() for name, make in makers().items()}
SHARED = {"TOKEN_PUBLIC_KEYS"}


def run(folder: Path) -> Result:
    return CliRunner().invoke(main, [str(folder)])


def contents(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file()}


def test_a_second_run_changes_nothing_and_adds_what_is_missing(tmp_path: Path) -> None:
    assert run(tmp_path).exit_code == 0
    first = contents(tmp_path)
    assert run(tmp_path).exit_code == 0
    assert contents(tmp_path) == first
    (tmp_path / ALL / "WEB_SECRET").unlink()
    assert run(tmp_path).exit_code == 0
    second = contents(tmp_path)
    assert {name for name in first if first[name] != second[name]} == {"all/WEB_SECRET", "web/WEB_SECRET"}


def test_only_the_owner_reads_the_originals(tmp_path: Path) -> None:
    run(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / ALL).iterdir()} == {0o600}


def test_every_secret_is_good_enough_for_production() -> None:
    for name, value in ORIGINALS.items():
        if name not in ("TOKEN_SIGNING_KEY", CERTIFICATE):
            assert weakness_of_secret(value) is None and weakness_of_password(value) is None
    assert len(set(ORIGINALS.values())) == len(ORIGINALS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_start_in_production_with_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    run(tmp_path)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / service))
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("AMQP_URL", f"amqp://{service}:@rabbitmq//")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{service}:@postgres/microtasks_{service}")
    settings = load(Settings)
    assert settings.is_production
    if service == "accounts":
        signs_with = load(AccountSettings).token_signing_key
        assert public_key_of(signs_with) == settings.token_public_keys


def test_the_site_can_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(tmp_path)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "web"))
    assert load(WebSettings, environment="production", site_url="https://host").secrets


def test_no_process_is_given_what_another_ones_password_opens() -> None:
    given = shares(ORIGINALS)
    servers = ("rabbitmq", "postgres", "broker-rights", "database-rights")
    held = Counter(
        value
        for process, own in given.items()
        for name, value in own.items()
        if process not in servers and name not in SHARED
    )
    assert set(held.values()) == {1}
    assert [process for process, own in given.items() if "TOKEN_SIGNING_KEY" in own] == ["accounts"]


@pytest.mark.parametrize(("name", "value"), [("POSTGRES_PASSWORD", "short"), ("RABBITMQ_PASSWORD", "y" * 40)])
def test_production_refuses_a_weak_password_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv(name, value)
    done = run(tmp_path / "secrets")
    assert done.exit_code == 2
    assert f"{name}: " in done.output
    assert not (tmp_path / "secrets").exists()
    monkeypatch.setenv(name, token_hex(16))
    assert run(tmp_path / "secrets").exit_code == 0


def test_an_unknown_environment_stops_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    done = run(tmp_path / "secrets")
    assert (done.exit_code, (tmp_path / "secrets").exists()) == (2, False)
    assert "ENVIRONMENT" in done.output


def test_the_certificate_can_serve(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_text(ORIGINALS[CERTIFICATE])
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tmp_path / "both.pem")
