import base64
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import api_jws

from kit.errors import Unauthenticated
from kit.security.keys import key_id
from kit.security.tokens import Verifier, call_token, verifying_keys
from kit.settings import BadSetting, Settings, load
from services.accounts.credentials.signing import Signer, generate_signing_key
from services.registry import NAMES

KEY = generate_signing_key()
NOW = int(time.time())
ACCOUNT = "01890000-0000-7000-8000-00000000000a"
SESSION = "01890000-0000-7000-8000-0000000000d1"


@pytest.fixture(autouse=True)
def fixed_time() -> Iterator[None]:
    """The tokens of the parametrized tests are made at collection, which may be long before their test."""
    with time_machine.travel(NOW, tick=False):
        yield


def token(key: str = KEY, issued_at: int = NOW, lifetime_seconds: int = 600) -> str:
    return Signer(key).sign(ACCOUNT, SESSION, "Ada", ["staff", "member"], issued_at, lifetime_seconds)


def test_a_token_says_who_is_calling() -> None:
    caller = Verifier(Signer(KEY).public_key).verify(token())
    assert (caller.id, caller.session_id, caller.display_name) == (ACCOUNT, SESSION, "Ada")
    assert caller.is_staff


def test_the_same_claims_give_the_same_token() -> None:
    assert token() == token()


def test_a_token_ends_at_its_expiry_even_when_it_was_verified_before(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(Signer(KEY).public_key)
    assert verifier.verify(token()).id == ACCOUNT
    monkeypatch.setattr(time, "time", lambda: NOW + 600)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token())


def test_services_give_queued_calls_leeway() -> None:
    late = token(issued_at=int(time.time()) - 610)
    assert Verifier(Signer(KEY).public_key, leeway_seconds=30).verify(late).id == ACCOUNT
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(late)


def test_rotation_accepts_old_and_new_keys_until_the_old_one_is_dropped() -> None:
    new = generate_signing_key()
    both = f"{Signer(KEY).public_key} {Signer(new).public_key}"
    assert Verifier(both).verify(token()).id == ACCOUNT
    assert Verifier(both).verify(token(new)).id == ACCOUNT
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
    assert Verifier(Signer(KEY).public_key).verify(token(issued_at=NOW + 2)).id == ACCOUNT


def signed(claims: dict[str, Any] | bytes, headers: dict[str, Any] | None = None, key: str = KEY) -> str:
    """A token of any claims, signed with accounts' own key."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key))
    kid = {"kid": key_id(Signer(key).public_key)}
    return api_jws.encode(payload, private, algorithm="EdDSA", headers={**kid, **(headers or {})})


GOOD: dict[str, Any] = {
    "iss": "microtasks",
    "aud": "gateway",
    "sub": ACCOUNT,
    "sid": SESSION,
    "name": "Ada",
    "roles": [],
    "iat": NOW,
    "exp": NOW + 600,
}


def test_claims_as_accounts_writes_them_are_good() -> None:
    assert Verifier(Signer(KEY).public_key).verify(signed(GOOD)).id == ACCOUNT


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("sub", value) for value in ("account", "", 7, None, [ACCOUNT], {"a": 1}, ACCOUNT.upper(), True)),
        *(("sid", value) for value in ("session", 7, None, [SESSION], f"{SESSION}\n")),
        *(("name", value) for value in (7, None, "", ["Ada"], {"Ada": 1}, "a" * 201)),
        *(("roles", value) for value in ("staff", None, {"staff": 1}, [1], [["staff"]], [None], True, 3)),
        *(("exp", value) for value in (None, "soon", 10**20, NOW + 600.5, True, [NOW], 1e999, -1)),
        *(("exp", value) for value in (str(NOW + 600), NOW + 25 * 3600, {"at": NOW})),
        *(("iat", value) for value in ("now", 1.5, 1e999, None, [1])),
        *(("nbf", value) for value in (NOW + 600, "later", 1e999, None, 0.5)),
        *(("iss", value) for value in ("somebody", "", None, ["microtasks"], 7)),
        *(("aud", value) for value in ("orders", "", None, ["gateway"], 7, {"gateway": 1})),
    ],
    ids=itertools.count(),  # the values are of this moment; every test process must name them the same
)
def test_a_malformed_claim_is_refused_even_under_accounts_own_signature(claim: str, value: Any) -> None:
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(signed({**GOOD, claim: value}))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "name", "roles", "exp"])
def test_a_missing_claim_is_refused(claim: str) -> None:
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(signed({k: v for k, v in GOOD.items() if k != claim}))


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 20_000, b"1" * 9_000, b'{"exp": NaN}']
)
def test_a_signed_payload_that_is_no_set_of_claims_is_refused(payload: bytes) -> None:
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(signed(payload))


def with_header(header: bytes) -> str:
    encoded = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    return f"{encoded}.{token().partition('.')[2]}"


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"null",
        b"[" * 20_000,
        b'{"alg":"EdDSA"}',
        b'{"alg":"EdDSA","kid":["a"]}',
        b'{"alg":"EdDSA","kid":{}}',
        b'{"alg":"EdDSA","kid":null}',
        b'{"alg":"none","kid":"<known>"}',
        b'{"alg":"HS256","kid":"<known>"}',
        b'{"alg":["EdDSA"],"kid":"<known>"}',
        b'{"alg":"EdDSA","crit":["x"],"kid":"<known>"}',
    ],
    ids=range(11),  # the key is another in every process
)
def test_a_header_that_accounts_does_not_write_is_refused(header: bytes) -> None:
    header = header.replace(b"<known>", key_id(Signer(KEY).public_key).encode())
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(with_header(header))


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    public = base64.b64decode(Signer(KEY).public_key)
    confused = jwt.encode(GOOD, public, algorithm="HS256", headers={"kid": key_id(Signer(KEY).public_key)})
    with pytest.raises(Unauthenticated):
        Verifier(Signer(KEY).public_key).verify(confused)


def verifier_of(audience: str) -> Verifier:
    return Verifier(Signer(KEY).public_key, audience=audience)


@pytest.mark.parametrize("audience", NAMES)
def test_the_token_inside_a_call_is_good_for_the_called_service_only(audience: str) -> None:
    inside = call_token(token(), audience)
    assert verifier_of(audience).verify(inside) == verifier_of("gateway").verify(token())
    for other in {"gateway", *NAMES} - {audience}:
        with pytest.raises(Unauthenticated):
            verifier_of(other).verify(inside, "orders.get_order")
    with pytest.raises(Unauthenticated):
        verifier_of(audience).verify(token())


def test_a_token_for_one_method_opens_that_method_only() -> None:
    inside, orders = call_token(token(), "orders.get_order"), verifier_of("orders")
    assert orders.verify(inside, "orders.get_order").id == ACCOUNT
    for method in ("orders.transition_order", ""):
        with pytest.raises(Unauthenticated):
            orders.verify(inside, method)


def test_nothing_else_can_be_made_of_the_token_inside_a_call() -> None:
    inside = call_token(token(), "payments")
    for audience in ("orders", "payments", "gateway"):
        with pytest.raises(Unauthenticated, match="renewed"):
            call_token(inside, audience)


def test_an_access_token_without_a_new_audience_is_to_be_renewed() -> None:
    with pytest.raises(Unauthenticated) as refused:
        call_token(token(), "no_such_service")
    assert refused.value.code == "token_expired", "at which clients renew theirs"
    with pytest.raises(Unauthenticated):
        call_token(signed({**GOOD, "grants": "x"}), "orders")


def test_tokens_without_audience_are_good_only_while_an_upgrade_says_so() -> None:
    old = Signer(KEY).sign(ACCOUNT, SESSION, "Ada", [], NOW, 600, with_audience=False)
    assert "aud" not in jwt.decode(old, options={"verify_signature": False})
    assert call_token(old, "orders") == old
    for audience in ("gateway", "orders"):
        during = Verifier(Signer(KEY).public_key, audience=audience, audience_required=False)
        assert during.verify(old).id == ACCOUNT
        with pytest.raises(Unauthenticated):
            verifier_of(audience).verify(old)
    during = Verifier(Signer(KEY).public_key, audience="orders", audience_required=False)
    with pytest.raises(Unauthenticated):
        during.verify(call_token(token(), "payments"))
