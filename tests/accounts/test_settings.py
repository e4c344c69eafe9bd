import base64
from secrets import token_hex

import pytest

from kit.settings import BadSetting, load
from services.accounts.credentials.signing import generate_signing_key
from services.accounts.settings import AccountSettings

SECRET = token_hex(24)


def test_everywhere_but_in_production_the_demo_secrets_do() -> None:
    assert load(AccountSettings).access_token_seconds == 600


def test_production_refuses_each_demo_secret_and_takes_real_ones() -> None:
    with pytest.raises(BadSetting, match="TOKEN_SIGNING_KEY"):
        load(AccountSettings, environment="production", session_secret=SECRET)
    with pytest.raises(BadSetting, match="SESSION_SECRET"):
        load(AccountSettings, environment="production", token_signing_key=generate_signing_key())
    load(
        AccountSettings,
        environment="production",
        session_secret=SECRET,
        token_signing_key=generate_signing_key(),
    )


@pytest.mark.parametrize("key", ["", "no base64", base64.b64encode(b"short").decode()])
def test_a_signing_key_that_is_none_stops_the_start_with_its_name(key: str) -> None:
    with pytest.raises(BadSetting, match="TOKEN_SIGNING_KEY"):
        load(AccountSettings, token_signing_key=key)


def test_a_short_session_secret_stops_the_start_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_SECRET", "x" * 31)
    with pytest.raises(BadSetting, match="SESSION_SECRET"):
        load(AccountSettings)
