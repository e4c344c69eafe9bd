import time

import jwt
import pytest

from kit.errors import Unauthenticated
from kit.settings import BadSetting, Settings, load
from kit.tokens import Verifier, verifying_keys
from services.accounts.signing import Signer, generate_signing_key

KEY = generate_signing_key()
NOW = int(time.time())


def token(key: str = KEY, issued_at: int = NOW, lifetime_seconds: int = 600) -> str:
    return Signer(key).sign("account", "session", "Ada", ["staff", "member"], issued_at, lifetime_seconds)


def test_a_token_says_who_is_calling() -> None:
    caller = Verifier(Signer(KEY).public_key).verify(token())
    assert (caller.id, caller.session_id, caller.display_name) == ("account", "session", "Ada")
    assert caller.is_staff


def test_the_same_claims_give_the_same_token() -> None:
    assert token() == token()


def test_a_token_ends_at_its_expiry_even_when_it_was_verified_before(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(Signer(KEY).public_key)
    assert verifier.verify(token()).id == "account"
    monkeypatch.setattr(time, "time", lambda: NOW + 600)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token())


def test_services_give_queued_calls_leeway() -> None:
    late = token(issued_at=int(time.time()) - 610)
    assert Verifier(Signer(KEY).public_key, leeway_seconds=30).verify(late).id == "account"
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(late)


def test_rotation_accepts_old_and_new_keys_until_the_old_one_is_dropped() -> None:
    new = generate_signing_key()
    both = f"{Signer(KEY).public_key} {Signer(new).public_key}"
    assert Verifier(both).verify(token()).id == "account"
    assert Verifier(both).verify(token(new)).id == "account"
    with pytest.raises(Unauthenticated):
        Verifier(Signer(new).public_key).verify(token())


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "a.b.c",
        token()[:-4] + "AAAA",
        token(generate_signing_key()),
        jwt.encode({"sub": "a", "exp": NOW + 60}, "secret" * 8, algorithm="HS256", headers={"kid": "x"}),
        jwt.encode({"sub": "a", "exp": NOW + 60}, "", algorithm="none"),
        "\ud800",
    ],
    ids=("empty", "word", "dots", "altered", "other key", "symmetric", "unsigned", "surrogate"),
)
def test_forged_and_malformed_tokens_are_refused(forged: str) -> None:
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(forged)


def test_unreadable_keys_stop_the_start() -> None:
    with pytest.raises(BadSetting, match="TOKEN_PUBLIC_KEYS"):
        verifying_keys(load(Settings, token_public_keys="not-a-key"))


def test_a_token_from_a_clock_that_is_a_little_ahead_is_good() -> None:
    assert Verifier(Signer(KEY).public_key).verify(token(issued_at=NOW + 2)).id == "account"
