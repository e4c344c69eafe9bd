"""The exact counts that keep the marketplace fast: calls per request, round trips per call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from client import MarketplaceClient
from tests.counts.counting import CALLS, ROUND_TRIPS, SERVED, TRANSACTIONS, Counts, counting
from tests.journeys.walk import Walk, begin, person
from tests.support.stack import Stack

AT_MOST = 3
Read = Callable[[MarketplaceClient, str], Awaitable[Any]]


READS: dict[str, Read] = {
    "orders.get_order": lambda client, order_id: client.order(order_id),
    "orders.list_orders": lambda client, _: client.orders("customer"),
    "orders.list_transitions": lambda client, order_id: client.transitions(order_id),
    "messaging.list_messages": lambda client, order_id: client.messages(order_id),
    "messaging.list_threads": lambda client, _: client.threads(),
    "messaging.list_notifications": lambda client, _: client.notifications(),
    "messaging.count_unread": lambda client, _: client.unread_count(),
    "accounts.get_me": lambda client, _: client.me(),
    "accounts.list_sessions": lambda client, _: client.sessions(),
    "catalog.list_own_services": lambda client, _: client.own_services(),
}


@pytest.mark.parametrize("call", READS)
def test_a_read_is_one_call_and_one_round_trip_to_the_database(stack: Stack, call: str) -> None:
    async def read() -> Counts:
        async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
            begun = await begin(customer, provider)
            await begun.expect_notification(provider, "order_submitted")
            await READS[call](customer, begun.order["id"])  # connections and caches are warm now
            with counting(stack) as counts:
                await READS[call](customer, begun.order["id"])
            return counts

    counts = asyncio.run(read())
    assert counts.of(CALLS) == counts.of(CALLS, call) == 1
    assert counts.of(SERVED) == 1
    assert counts.of(ROUND_TRIPS, call) == 1
    assert counts.of(TRANSACTIONS, call) == 0


def test_a_submission_is_one_call_and_one_transaction_of_at_most_three_round_trips(stack: Stack) -> None:
    async def submit() -> Counts:
        async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
            begun = await begin(customer, provider)  # orders knows the offer from here on
            order = begun.order
            with counting(stack) as counts:
                await customer.submit_order(order["service"]["id"], "One more page.", order["price"])
            return counts

    counts = asyncio.run(submit())
    call = "orders.submit_order"
    assert counts.of(CALLS) == counts.of(CALLS, call) == 1
    assert counts.of(SERVED) == counts.of(SERVED, call) == 1, "nobody asks catalog"
    assert counts.of(TRANSACTIONS, call) == 1
    assert 0 < counts.of(ROUND_TRIPS, call) <= AT_MOST


def test_a_transition_is_one_call_and_one_transaction_of_at_most_three_round_trips(stack: Stack) -> None:
    async def approve() -> Counts:
        async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
            begun: Walk = await begin(customer, provider)
            with counting(stack) as counts:
                await provider.transition(begun.order["id"], "approve")
            await begun.expect_notification(customer, "order_approved")
            return counts

    counts = asyncio.run(approve())
    call = "orders.transition_order"
    assert counts.of(CALLS) == counts.of(CALLS, call) == 1
    assert counts.of(TRANSACTIONS, call) == 1
    assert 0 < counts.of(ROUND_TRIPS, call) <= AT_MOST


def test_a_public_read_that_the_gateway_has_cached_asks_nobody(stack: Stack) -> None:
    async def read() -> Counts:
        async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
            begun = await begin(customer, provider)
            service_id = begun.order["service"]["id"]
            await _settled(customer, service_id)
            with counting(stack) as counts:
                await customer.service(service_id)
                await customer.categories()
                await customer.search_services(category="writing")
            return counts

    assert asyncio.run(read()).of(CALLS) == 0


async def _settled(client: MarketplaceClient, service_id: str) -> None:
    """Fills the cache after the last news of the service has dropped it."""
    for _ in range(2):
        await asyncio.sleep(0.5)  # news of the posting may still be on its way, and nothing tells when not
        await client.service(service_id)
        await client.categories()
        await client.search_services(category="writing")
