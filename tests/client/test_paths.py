"""An id is one step of a path, whatever it is; what can be no id is not asked for."""

import asyncio

import pytest

from client import MarketplaceClient, Problem
from client.paths import path_of


def test_ids_are_quoted_into_their_places() -> None:
    assert path_of("/v1/orders/{}", "01a2-b_c.d~e") == "/v1/orders/01a2-b_c.d~e"
    assert path_of("/v1/a/{}/b/{}", "x/y?z#", "%2e é") == "/v1/a/x%2Fy%3Fz%23/b/%252e%20%C3%A9"


@pytest.mark.parametrize("odd", ["", ".", "..", "a\r\nX: 1", "\x00", "a\x7f", "\x85", "\ud800"])
def test_what_can_be_no_id_is_not_found(odd: str) -> None:
    with pytest.raises(Problem) as refused:
        path_of("/v1/orders/{}", odd)
    assert (refused.value.status, refused.value.code) == (404, "not_found")


@pytest.mark.parametrize("odd", ["..", "a\r\nX: 1"])
def test_no_method_sends_one(odd: str) -> None:
    async def ask() -> None:
        async with MarketplaceClient("http://127.0.0.1:1", 0.0) as client:
            for call in (client.order(odd), client.refund_payment(odd, "why"), client.sign_out(odd)):
                with pytest.raises(Problem) as refused:
                    await call
                assert refused.value.status == 404

    asyncio.run(ask())
