"""Each event is delivered to the services that act on it, once, and to no other."""

import asyncio
from collections import Counter
from functools import partial

from services.orders.contract import ORDER_STATUS_CHANGED
from tests.journeys.walk import begin, person, wait_for
from tests.support.stack import Stack

METRIC = "microtasks_events_total"
CONSUMER = f"{ORDER_STATUS_CHANGED.owner}.{ORDER_STATUS_CHANGED.type}"
OPEN = ["approve", "complete_work"]


def deliveries(stack: Stack) -> Counter[str]:
    """How often each service was given a step of an order, whatever came of it."""
    found: Counter[str] = Counter()
    for service in ORDER_STATUS_CHANGED.consumers:
        for process in stack.of(service):
            for (name, labels), value in process.metrics().items():
                if name == METRIC and dict(labels)["consumer"] == CONSUMER:
                    found[service] += int(value)
    return found


def test_every_step_is_delivered_to_messaging_and_only_a_completion_to_the_others(stack: Stack) -> None:
    async def walk() -> None:
        async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
            before = await asyncio.to_thread(deliveries, stack)

            async def arrived(expected: dict[str, int]) -> bool:
                grown = await asyncio.to_thread(deliveries, stack) - before
                assert all(grown[service] <= expected.get(service, 0) for service in grown), grown
                return grown == Counter(expected)

            order = (await begin(customer, provider)).order
            await wait_for(partial(arrived, {"messaging": 1}), "the submission")
            for number, transition in enumerate(OPEN, start=2):
                await provider.transition(order["id"], transition)
                await wait_for(partial(arrived, {"messaging": number}), transition)
            await customer.transition(order["id"], "confirm")
            completed = {"messaging": 4, "reviews": 1, "accounts": 1, "payments": 1}
            await wait_for(partial(arrived, completed), "the completion")

    asyncio.run(walk())
