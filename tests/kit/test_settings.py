"""A setting that does not fit stops the start with its name; production takes nothing of a trial."""

import dataclasses
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from cli.operations.configuration import GROUPS
from gateway.settings import GatewaySettings
from kit.security.keys import DEMO_PUBLIC_KEY, generate_signing_key, public_key_of
from kit.settings import BadSetting, Common, Settings, load
from website.settings import WebSettings

GOOD: dict[str, Any] = {
    "environment": "production",
    "token_public_keys": public_key_of(generate_signing_key()),
    "amqp_url": f"amqp://orders:{token_hex(16)}@broker//",
    "database_url": f"postgresql://orders:{token_hex(16)}@postgres/microtasks_{{service}}",
}
CLASSES = list(dict.fromkeys(GROUPS.values()))
JUNK = {
    int: ["-1", "1.5", "nan", "inf", "many", "", "9" * 30],
    float: ["-1", "nan", "inf", "-inf", "soon", "", "1e30"],
}


def fields(*kinds: type) -> list[Any]:
    """Every setting of these types, with its class."""
    return [
        pytest.param(cls, field, id=f"{cls.__name__}.{field.name}")
        for cls in CLASSES
        for field in dataclasses.fields(cls)
        if type(field.default) in kinds
    ]


@pytest.mark.parametrize(("cls", "field"), fields(int, float))
def test_no_number_takes_junk(
    monkeypatch: pytest.MonkeyPatch, cls: type[Any], field: "dataclasses.Field[Any]"
) -> None:
    for junk in JUNK[type(field.default)]:
        monkeypatch.setenv(field.name.upper(), junk)
        with pytest.raises(BadSetting, match=field.name.upper()):
            load(cls)


@pytest.mark.parametrize(("cls", "field"), fields(bool))
def test_no_switch_takes_junk(
    monkeypatch: pytest.MonkeyPatch, cls: type[Any], field: "dataclasses.Field[Any]"
) -> None:
    for junk in ("", "maybe", "2", "yess"):
        monkeypatch.setenv(field.name.upper(), junk)
        with pytest.raises(BadSetting, match=field.name.upper()):
            load(cls)


CHOICES = ("environment", "rpc_queue_type", "log_level", "log_format", "payment_processor")
LISTS = ("reminder_days", "payment_reminder_days", "trusted_proxies", "cors_origins", "web_payment_methods")
ADDRESSES = ("amqp_url", "database_url", "api_url", "site_url", "stripe_api_url", "payment_return_url")


@pytest.mark.parametrize(
    ("cls", "field"), [p for p in fields(str) if p.values[1].name in (*CHOICES, *LISTS, *ADDRESSES)]
)
def test_no_word_list_or_address_takes_junk(
    monkeypatch: pytest.MonkeyPatch, cls: type[Any], field: "dataclasses.Field[Any]"
) -> None:
    for junk in ("junk", "1.2.3.4.5", "https://", "prod", "classic2"):
        monkeypatch.setenv(field.name.upper(), junk)
        with pytest.raises(BadSetting, match=field.name.upper()):
            load(cls)


def test_every_text_with_a_meaning_of_its_own_is_checked() -> None:
    checked = {
        p.values[1].name
        for p in fields(str)
        if p.values[1].metadata["choices"] or p.values[1].metadata["form"]
    }
    assert checked == {*CHOICES, *LISTS, *ADDRESSES} - {"reminder_days", "payment_reminder_days"}


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "word",
    ["prod", "staging", "Produktion", "develop", "", " ", "production;", "production development", "0"],
)
def test_an_unknown_environment_stops_every_process(
    monkeypatch: pytest.MonkeyPatch, cls: type[Any], word: str
) -> None:
    monkeypatch.setenv("ENVIRONMENT", word)
    with pytest.raises(BadSetting, match="ENVIRONMENT"):
        load(cls)


@pytest.mark.parametrize("word", ["production", "PRODUCTION", " Production\n", "\tproduction "])
def test_production_is_meant_in_any_case(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("ENVIRONMENT", word)
    assert load(Common).is_production
    assert load(Common).environment == "production"


def test_values_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_DEADLINE_SECONDS", "2.5")
    assert load(Settings).rpc_deadline_seconds == 2.5


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "many")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(BadSetting, match=r"LOG_LEVEL.*DATABASE_POOL_SIZE"):
        load(Settings)


def test_production_starts_with_what_is_its_own() -> None:
    assert load(Settings, **GOOD).is_production


def test_a_gateway_needs_no_database() -> None:
    without = {name: value for name, value in GOOD.items() if name != "database_url"}
    assert load(GatewaySettings, **without, database_url="postgresql://x@nowhere/x").is_production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "0.0.0.0/0"),
        ("trusted_proxies", "10.0.0.0/8, ::/0"),
        ("cors_origins", "http://market.example"),
    ],
)
def test_a_gateway_in_production_believes_nobody_blindly(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name.upper()):
        load(GatewaySettings, **GOOD | {name: value})
    load(GatewaySettings, **GOOD | {name: value, "environment": "development"})


ONLY_FOR_TRIALS = [
    ("token_public_keys", ""),
    ("token_public_keys", " "),
    ("token_public_keys", DEMO_PUBLIC_KEY),
    ("token_public_keys", f"{GOOD['token_public_keys']} {DEMO_PUBLIC_KEY.rstrip('=')}"),
    ("amqp_url", "amqp://guest:guest@broker//"),
    ("amqp_url", "amqp://orders:demo-orders@broker//"),
    ("amqp_url", "amqp://orders:%64emo-orders@broker//"),
    ("amqp_url", "amqp://orders@broker//"),
    ("amqp_url", "amqp://broker//"),
    ("amqp_url", f"{GOOD['amqp_url']};amqp://guest:guest@other//"),
    ("amqp_url", "amqp://orders:aaaaaaaaaaaaaaaaaaaaaaaa@broker//"),
    ("database_url", "postgresql://orders:demo-orders@postgres/microtasks_{service}"),
    ("database_url", "postgresql://postgres@postgres/microtasks_{service}"),
    ("database_url", "postgresql://orders:orders@postgres/microtasks_{service}"),
    ("database_url", "postgresql://orders@postgres/microtasks_{service}?password=postgres"),
    ("fail_point", "outbox.confirmed"),
]


@pytest.mark.parametrize(
    ("name", "value"), ONLY_FOR_TRIALS, ids=range(len(ONLY_FOR_TRIALS))
)  # some are random
def test_production_refuses_what_only_a_trial_may_have(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name.upper()):
        load(Settings, **GOOD | {name: value})
    load(Settings, **GOOD | {name: value, "environment": "development"})


@pytest.mark.parametrize(
    "database",
    ["postgresql:///microtasks_{service}?host=/run/postgresql", "postgresql://o@db/x?sslcert=/c&sslkey=/k"],
)
def test_a_socket_or_a_certificate_does_instead_of_a_password(database: str) -> None:
    assert load(Settings, **GOOD | {"database_url": database}).is_production


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://",
        "https://host/path",
        "http://host",
        "https://me@host",
        "https://host?q",
        "https://host#x",
    ],
)
def test_production_needs_the_sites_whole_address_and_nothing_else(address: str) -> None:
    production = {"environment": "production", "web_secret": token_hex(24)}
    with pytest.raises(BadSetting, match="SITE_URL"):
        load(WebSettings, **production, site_url=address)
    assert load(WebSettings, **production, site_url="https://Host:443").site_url == "https://host"


def test_settings_come_from_files_too_and_variables_win(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "AMQP_PASSWORD").write_text("of the file\n")
    (tmp_path / "LOG_LEVEL").write_text("ERROR")
    (tmp_path / "RPC_WORKERS").write_text("7\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("AMQP_URL", "amqp://orders:@broker//")
    monkeypatch.setenv("AMQP_PASSWORD", "")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    settings = load(Settings)
    assert settings.amqp_url == "amqp://orders:of%20the%20file@broker//"
    assert (settings.log_level, settings.rpc_workers) == ("WARNING", 7)
    (tmp_path / "RPC_WORKERS").write_text("many")
    with pytest.raises(BadSetting, match="RPC_WORKERS"):
        load(Settings)


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "AMQP_PASSWORD").mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    with pytest.raises(BadSetting, match="AMQP_PASSWORD"):
        load(Settings)


def test_development_makes_secrets_of_its_own_and_production_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "here"))
    first = load(WebSettings).web_secret
    assert first and load(WebSettings).web_secret == first
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "there"))
    assert load(WebSettings).web_secret != first
    with pytest.raises(BadSetting, match="WEB_SECRET"):
        load(WebSettings, environment="production", site_url="https://host")


def test_where_nothing_can_be_stored_a_missing_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(BadSetting, match="WEB_SECRET: is missing"):
        load(WebSettings)


@pytest.mark.parametrize(
    "address", ["amqp://orders:canary/x@broker//", "amqp://orders:canary@broker:canary//"]
)
def test_an_address_that_cannot_be_taken_apart_shows_no_part_of_its_password(address: str) -> None:
    with pytest.raises(BadSetting, match="AMQP_URL") as refused:
        load(Settings, amqp_url=address)
    assert "canary" not in str(refused.value)


def test_keys_may_stand_in_lines_but_no_setting_holds_what_cannot_be_seen() -> None:
    keys = [public_key_of(generate_signing_key()) for _ in range(2)]
    assert load(Settings, token_public_keys="\n".join(keys)).token_public_keys.split() == keys
    with pytest.raises(BadSetting, match="BROKER_PREFIX"):
        load(Settings, broker_prefix="a\x1b[2J")
