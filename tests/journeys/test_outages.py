"""An unavailable service is a clear error within the deadline, and recovers without an operator."""

import asyncio
import time

import pytest

from client import MarketplaceClient, Problem
from tests.journeys import walk
from tests.support.servers import eventually
from tests.support.stack import Stack

DEADLINE_SECONDS = 5.0
NOISE_SECONDS = 3.0  # the machine that runs the tests is busy
AT_ONCE_SECONDS = DEADLINE_SECONDS / 2  # no later request waits for the deadline


async def _problem_and_seconds(client: MarketplaceClient) -> tuple[Problem, float]:
    began = time.monotonic()
    problem = await walk.refused(client.orders("customer"))
    return problem, time.monotonic() - began


async def _ask_while_unavailable(stack: Stack) -> None:
    async with walk.person(stack.url, "Customer", patience_seconds=0.0) as customer:
        for process in stack.of("orders"):
            process.stop()
        first = await asyncio.gather(*(_problem_and_seconds(customer) for _ in range(5)))
        for problem, seconds in first:
            assert problem.status == 503
            assert problem.retry_after_seconds is not None
            assert seconds < DEADLINE_SECONDS + NOISE_SECONDS
        later = [await _problem_and_seconds(customer) for _ in range(5)]
        assert [problem.status for problem, _ in later] == [503] * 5
        assert max(seconds for _, seconds in later) < AT_ONCE_SECONDS
        assert (await customer.me())["display_name"] == "Customer", "the others go on"
        for process in stack.of("orders"):
            process.start()
        assert await _recovers(customer)


async def _recovers(customer: MarketplaceClient) -> bool:
    for _ in range(200):
        try:
            await customer.orders("customer")
        except Problem:
            await asyncio.sleep(0.1)
        else:
            return True
    return False


def test_a_stopped_service_is_503_for_the_first_within_the_deadline_then_at_once(stack: Stack) -> None:
    asyncio.run(_ask_while_unavailable(stack))


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_service_that_restarts_costs_nobody_a_request(patient_stack: Stack, end: str) -> None:
    async def restart_under_load() -> int:
        async with walk.person(patient_stack.url, "Customer", patience_seconds=0.0) as customer:
            process = patient_stack.of("accounts")[0]
            loop = asyncio.get_running_loop()
            getattr(process, end)()
            restarted = loop.run_in_executor(None, process.start)
            answered = 0
            began = time.monotonic()
            while time.monotonic() - began < 3 or not process.is_ready:
                assert (await customer.me())["display_name"] == "Customer"
                answered += 1
            await restarted
            return answered

    assert asyncio.run(restart_under_load()) > 0


def test_events_wait_for_a_stopped_consumer(stack: Stack) -> None:
    async def order_without_messaging() -> None:
        async with (
            walk.person(stack.url, "Customer") as customer,
            walk.person(stack.url, "Provider") as provider,
        ):
            for process in stack.of("messaging"):
                process.kill()
            begun = await walk.begin(customer, provider)
            await provider.transition(begun.order["id"], "approve")
            for process in stack.of("messaging"):
                process.start()
            await begun.expect_notification(provider, "order_submitted")
            await begun.expect_notification(customer, "order_approved")
            await begun.talk()

    asyncio.run(order_without_messaging())


def test_a_process_stops_within_its_drain_time_and_exits_with_zero(stack: Stack) -> None:
    [process] = stack.of("reviews")
    began = time.monotonic()
    process.stop()
    assert time.monotonic() - began < 10
    assert process.exit_code == 0
    process.start()
    eventually(lambda: process.is_ready, 20, "reviews is ready again")
