"""For whom a call's tokens are good, here and in what is called next."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from chassis.runtime.context import CallContext
from kit.errors import Unauthenticated
from kit.security.tokens import call_token
from kit.settings import Settings, load, own_secrets
from services.accounts.credentials.signing import Signer

ADA = "01890000-0000-7000-8000-00000000000a"
NOW = int(time.time())
SIGNING_KEY = own_secrets()["TOKEN_SIGNING_KEY"]
ACCESS = Signer(SIGNING_KEY).sign(ADA, ADA, "Ada", [], NOW, 600)
OLD = Signer(SIGNING_KEY).sign(ADA, ADA, "Ada", [], NOW, 600, with_audience=False)
GET_ORDER = "orders.get_order"


def context(service: str, **settings: Any) -> CallContext:
    provider = CallContext()
    provider.container = SimpleNamespace(
        service_name=service, config={"settings": load(Settings, **settings)}
    )
    provider.setup()
    return provider


def call(provider: CallContext, token: str, **more: str) -> Any:
    headers = {"access_token": token, **more}
    return provider.call_from({f"nameko.{name}": value for name, value in headers.items()})


def test_a_service_takes_the_token_for_itself_and_no_other() -> None:
    payments = context("payments")
    assert call(payments, call_token(ACCESS, "payments")).account.id == ADA
    for audience in ("orders", GET_ORDER):
        with pytest.raises(Unauthenticated):
            _ = call(payments, call_token(ACCESS, audience)).account
    with pytest.raises(Unauthenticated):
        _ = call(payments, ACCESS).account_or_none


def test_a_token_for_one_method_is_good_in_that_method_only() -> None:
    asked = call(context("orders"), call_token(ACCESS, GET_ORDER))
    with pytest.raises(Unauthenticated):
        _ = asked.account
    asked.method = GET_ORDER
    assert asked.account.id == ADA


def test_a_service_hands_on_only_the_token_for_the_method_it_calls() -> None:
    own, onward = call_token(ACCESS, "payments"), call_token(ACCESS, GET_ORDER)
    asked = call(context("payments"), own, **{f"access_token_for.{GET_ORDER}": onward, "request_id": "r"})
    assert asked.headers_for(GET_ORDER)["nameko.access_token"] == onward
    elsewhere = asked.headers_for("catalog.get_offer")
    assert "nameko.access_token" not in elsewhere and elsewhere["nameko.request_id"] == "r"
    assert own not in (*asked.headers_for(GET_ORDER).values(), *elsewhere.values())


def test_during_an_upgrade_tokens_without_audience_travel_as_before() -> None:
    asked = call(context("payments", token_audience_required=False), OLD)
    assert asked.account.id == ADA
    assert asked.headers_for(GET_ORDER)["nameko.access_token"] == OLD
    with pytest.raises(Unauthenticated):
        _ = call(context("payments"), OLD).account
