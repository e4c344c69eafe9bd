"""Every list is one call and one statement, whatever its length and whichever page is read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kit.contracts import rpcs_of
from services.registry import NAMES, contract_of
from tests.counts.counting import CALLS, ROUND_TRIPS, TRANSACTIONS, counting
from tests.counts.lived_in import LivedIn, lived_in
from tests.support.stack import Stack

Read = Callable[..., Awaitable[Any]]
PAGES = 3


def lists_of(people: LivedIn) -> dict[str, Read]:
    """How each list is read by somebody who has something in it."""
    customer, provider, order_id = people.customer, people.provider, people.order_id

    async def categories(**page: Any) -> Any:
        return await customer.connection.send("GET", "/v1/categories", query=page)

    async def profile_reviews(**page: Any) -> Any:
        return await customer.profile_reviews(people.provider_id, **page)

    async def of_order(read: Read, **page: Any) -> Any:
        return await read(order_id, **page)

    return {
        "accounts.list_sessions": customer.sessions,
        "accounts.list_security_events": customer.security_events,
        "catalog.list_categories": categories,
        "catalog.search_services": customer.search_services,
        "catalog.list_own_services": provider.own_services,
        "messaging.list_messages": lambda **page: of_order(customer.messages, **page),
        "messaging.list_threads": customer.threads,
        "messaging.list_notifications": provider.notifications,
        "orders.list_orders": lambda **page: customer.orders("customer", **page),
        "orders.list_transitions": lambda **page: of_order(customer.transitions, **page),
        "payments.list_payments": lambda **page: of_order(customer.payments, **page),
        "payments.list_transactions": provider.transactions,
        "payments.list_payouts": provider.payouts,
        "reviews.list_profile_reviews": profile_reviews,
    }


def test_every_list_is_one_call_and_one_statement_for_each_page(stack: Stack) -> None:
    async def read_all() -> None:
        async with lived_in(stack) as people:
            for call, read in lists_of(people).items():
                await _read_pages(stack, call, read)

    asyncio.run(read_all())


async def _read_pages(stack: Stack, call: str, read: Read) -> None:
    """Two pages of one item each, and the whole list."""
    with counting(stack) as counts:
        first = await read(limit=1)
        cursor = first["page"]["next_cursor"]
        await read(limit=1, **({"cursor": cursor} if cursor else {}))
        await read(limit=100)
    assert counts.of(CALLS) == counts.of(CALLS, call) == PAGES, call
    assert counts.of(ROUND_TRIPS, call) == PAGES, call
    assert counts.of(TRANSACTIONS, call) == 0, call


def test_every_list_of_every_contract_is_read(stack: Stack) -> None:
    declared = {rpc.routing_key for name in NAMES for rpc in rpcs_of(contract_of(name)) if rpc.paged}

    async def named() -> set[str]:
        async with lived_in(stack) as people:
            return set(lists_of(people))

    assert asyncio.run(named()) == declared
