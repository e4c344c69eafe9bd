"""A stopping process finishes what it has, and leaves to others what it has not begun."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from kit.contracts import Rpc
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.servers import broker_connection, eventually

pytestmark = pytest.mark.servers


class Caller:
    """Calls, and looks for the answers later."""

    def __init__(self, echo: Echo, channel: Any) -> None:
        self._exchange = topology.rpc_exchange(echo.settings)
        self._work = topology.rpc_queue(echo.settings, "echo")
        self._channel = channel
        self._address = f"reply.test-{uuid.uuid4()}"
        self._replies = channel.queue_declare("", exclusive=True).queue
        self.answered: list[str] = []
        channel.queue_bind(self._replies, self._exchange, self._address)

    def call(self, method: Rpc, text: str) -> None:
        """Asks, without waiting."""
        body = json.dumps({"args": [], "kwargs": {"text": text}})
        message = amqp.Message(body, reply_to=self._address, correlation_id="c")
        self._channel.basic_publish(message, self._exchange, method.routing_key)

    def waiting(self) -> int:
        """Calls that nobody has taken."""
        return int(self._channel.queue_declare(self._work, passive=True).message_count)

    def consumers(self) -> int:
        """Processes that take calls."""
        return int(self._channel.queue_declare(self._work, passive=True).consumer_count)

    def has_answers(self, number: int) -> bool:
        """Whether so many calls were answered, without an error, in all."""
        while (reply := self._channel.basic_get(self._replies, no_ack=True)) is not None:
            answer = json.loads(reply.body)
            assert answer["error"] is None
            self.answered.append(answer["result"]["text"])
        return len(self.answered) == number


@pytest.fixture
def caller(echo: Echo) -> Iterator[Caller]:
    with closing(broker_connection(echo.settings.amqp_url)) as connection:
        yield Caller(echo, connection.channel())


def _under_way(echo: Echo) -> bool:
    here = "datname = current_database() AND pid <> pg_backend_pid()"
    return bool(echo.rows(f"SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND {here}"))


def test_calls_under_way_are_answered_and_the_others_wait_for_the_next_process(
    echo: Echo, caller: Caller
) -> None:
    echo.stop()
    echo.start(RPC_WORKERS="1")
    caller.call(contract.WAIT, "1")
    for number in range(3):
        caller.call(contract.ECHO, str(number))
    eventually(lambda: _under_way(echo), what="the first call is worked on")
    assert echo.stop() == 0
    assert caller.has_answers(1), "what was begun is answered before the process ends"
    assert caller.waiting() == 3
    echo.start()
    eventually(lambda: caller.has_answers(4), what="the next process answers")
    assert caller.answered == ["1", "0", "1", "2"]


def test_a_draining_process_is_not_ready_and_takes_no_calls(echo: Echo, caller: Caller) -> None:
    caller.call(contract.WAIT, "3")
    eventually(lambda: _under_way(echo), what="the call is worked on")
    echo.signal(signal.SIGTERM)
    eventually(lambda: echo.status("/readyz") == 503, 2)
    eventually(lambda: caller.consumers() == 0, 2)
    assert not caller.has_answers(1), "it is still at work"
    assert echo.ended() == 0
    assert caller.has_answers(1)


def test_a_second_signal_ends_a_process_at_once(echo: Echo, caller: Caller) -> None:
    caller.call(contract.WAIT, "3.9")
    eventually(lambda: _under_way(echo), what="the call is worked on")
    echo.signal(signal.SIGINT)
    eventually(lambda: echo.status("/readyz") == 503, 2)
    began = time.monotonic()
    assert echo.stop() == 128 + signal.SIGTERM
    assert time.monotonic() - began < 2
    assert not caller.has_answers(1)
    eventually(lambda: caller.waiting() == 1, what="the call is there for the next process")


def test_work_that_outlives_the_drain_time_is_left_and_the_exit_code_says_so(
    echo: Echo, caller: Caller
) -> None:
    echo.stop()
    echo.start(DRAIN_SECONDS="0.5")
    caller.call(contract.WAIT, "3")
    eventually(lambda: _under_way(echo), what="the call is worked on")
    assert echo.stop() == 1
    assert b"drain_timeout" in echo.log.read_bytes()
    eventually(lambda: caller.waiting() == 1, what="the call is there for the next process")
