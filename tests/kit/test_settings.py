import pytest

from kit.settings import BadSetting, Settings, load


def test_a_bad_value_stops_the_start_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "many")
    with pytest.raises(BadSetting, match="DATABASE_POOL_SIZE"):
        load(Settings)


def test_values_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_DEADLINE_SECONDS", "2.5")
    assert load(Settings).rpc_deadline_seconds == 2.5


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "TOKEN_PUBLIC_KEYS"),
        ({"token_public_keys": "x", "amqp_url": "amqp://guest:guest@broker//"}, "AMQP_URL"),
        ({"token_public_keys": "x", "amqp_url": "amqp://orders:demo-orders@broker//"}, "AMQP_URL"),
        (
            {
                "token_public_keys": "x",
                "amqp_url": "amqp://orders:own@broker//",
                "database_url": "postgresql://orders:demo-orders@postgres/microtasks_{service}",
            },
            "DATABASE_URL",
        ),
    ],
)
def test_production_refuses_demo_secrets(values: dict[str, str], name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load(Settings, environment="production", **values)
