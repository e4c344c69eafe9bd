"""A concurrent duplicate of a request waits for its answer, no longer than the processor may take."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from chassis.runtime.context import Call, IdempotencyKey
from kit.errors import Conflict, Declined
from services.payments.commands.two_phase import await_concurrent_result
from services.payments.processors.base import ChargeRequest
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import Json
from tests.support.servers import eventually

SECONDS = 10.0


def waiting(testbed: PaymentsTestbed) -> int:
    """How many sessions wait for a notification."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    return int(testbed.payments.execute(query)[0][0])


def repeated(testbed: PaymentsTestbed, method: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The outcomes of a payment and of its duplicate, which arrives while the processor is working."""
    order, called, proceed = testbed.order(), Event(), Event()
    charge = testbed.context.processor.charge

    def charge_with_delay(request: ChargeRequest) -> Any:
        called.set()
        assert proceed.wait(SECONDS)
        return charge(request)

    def pay() -> Any:
        try:
            return testbed.pay(order, method, key="k")
        except Declined as declined:
            return declined.data

    monkeypatch.setattr(testbed.context.processor, "charge", charge_with_delay)
    with ThreadPoolExecutor(2) as requests:
        first = requests.submit(pay)
        assert called.wait(SECONDS)
        second = requests.submit(pay)
        eventually(lambda: waiting(testbed) == 1, SECONDS)
        assert not second.done()
        proceed.set()
        return [first.result(SECONDS), second.result(SECONDS)]


@pytest.mark.parametrize("method", ["sandbox_ok", "sandbox_declined"])
def test_a_concurrent_duplicate_gets_the_answer_of_the_request(
    testbed: PaymentsTestbed, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, answer_of_duplicate = repeated(testbed, method, monkeypatch)
    assert answer == answer_of_duplicate
    eventually(lambda: waiting(testbed) == 0, SECONDS)


def await_result(testbed: PaymentsTestbed, pending: Json) -> Any:
    """The result of a duplicate that may not wait at all."""
    settings = replace(testbed.settings, processor_timeout_seconds=0)
    call = Call(
        verifier=testbed.payments.verifier,
        deadline=float("inf"),
        idempotency=IdempotencyKey(testbed.customer.id, "k", "same"),
    )
    return await_concurrent_result(replace(testbed.context, settings=settings), call, pending)


def pending(check_in_seconds: int | None, checks: int = 0) -> Json:
    """The row of a request that has no stored answer."""
    check_at = None if check_in_seconds is None else datetime.now(UTC) + timedelta(seconds=check_in_seconds)
    return {"id": "01934f00-0000-7000-8000-00000000f002", "check_at": check_at, "checks": checks}


def test_a_duplicate_is_refused_when_the_request_takes_too_long(testbed: PaymentsTestbed) -> None:
    with pytest.raises(Conflict) as refused:
        await_result(testbed, pending(check_in_seconds=60))
    assert refused.value.code == "idempotency_in_progress"
    assert refused.value.detail == "A request with this Idempotency-Key is still in progress."


@pytest.mark.parametrize(
    "row", [pending(None), pending(-1), pending(60, checks=1)], ids=["decided", "overdue", "reconciled"]
)
def test_a_duplicate_does_not_wait_for_a_request_that_is_no_longer_running(
    testbed: PaymentsTestbed, row: Json
) -> None:
    assert await_result(testbed, row) is None
