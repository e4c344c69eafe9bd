from collections.abc import Callable

import pytest

from kit.metrics import RPC_REPLIES_REFUSED
from kit.replies import is_from_called_service, may_reply_to, new_call_id, reply_address


def test_the_ids_of_calls_are_128_random_bits() -> None:
    ids = [new_call_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)
    changing = [len({each[digit] for each in ids}) for digit in range(32)]
    assert changing == [16] * 32, "no digit is a counter's or a constant"


def refused(reason: str, act: Callable[[], object]) -> float:
    counter = RPC_REPLIES_REFUSED.labels(reason)
    before = counter._value.get()
    act()
    return float(counter._value.get() - before)


def test_a_reply_counts_only_under_the_key_of_the_service_that_was_called() -> None:
    address = reply_address("orders", "gateway-1")
    assert is_from_called_service(address, address, None)
    assert (
        refused("wrong_service", lambda: is_from_called_service(address, "reply.catalog.gateway-1", {})) == 1
    )
    assert not is_from_called_service(address, "reply.orders.gateway-2", {})
    assert not is_from_called_service(address, "reply.gateway-1", {})


def test_a_reply_that_the_broker_routed_anew_never_counts() -> None:
    address, headers = reply_address("orders", "gateway-1"), {"x-death": [{"queue": "rpc.reply.catalog-1"}]}
    assert refused("dead_lettered", lambda: is_from_called_service(address, address, headers)) == 1
    assert not is_from_called_service(address, address, headers)


@pytest.mark.parametrize(
    "address",
    ["reply.orders.gateway-1", "reply.gateway-1", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"],
    ids=("today's", "an older process's", "Nameko's own"),
)
def test_a_service_replies_to_todays_older_and_namekos_own_callers(address: str) -> None:
    assert may_reply_to("orders", address)


@pytest.mark.parametrize(
    "address",
    ["reply.catalog.gateway-1", "accounts.open_session", "reply.orders.a.b", "reply.orders.", "", None, 7],
)
def test_a_service_replies_nowhere_else(address: object) -> None:
    assert not may_reply_to("orders", address)
