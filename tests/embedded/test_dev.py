"""`microtasks dev`: the whole journey in one process, and nothing lost whatever ends it."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import stat
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from client import MarketplaceClient, Problem
from client.resources import Money, Order
from tests.embedded.dev_process import DevProcess, run_dev

PASSWORD = "correct-lantern-77"
READY_WITHIN_SECONDS = 8.0
PRICE = Money(amount=4500, currency="EUR")


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[DevProcess]:
    with DevProcess(tmp_path) as dev:
        yield dev


def run(scenario: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await scenario

    return asyncio.run(main())


async def signed_in(dev: DevProcess, name: str) -> MarketplaceClient:
    client = dev.client()
    try:
        await client.register_account(f"{name}@test.example", PASSWORD, name.title(), key=f"account {name}")
    except Problem as problem:
        assert problem.code == "email_taken", problem
    await client.sign_in(f"{name}@test.example", PASSWORD)
    return client


async def told(client: MarketplaceClient, kind: str, count: int = 1) -> None:
    """Waits until a person has that many notifications of a kind, and stays at it."""
    for _ in range(200):
        found = [n["type"] for n in (await client.notifications(limit=100))["data"]].count(kind)
        if found >= count:
            assert found == count
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {count} notifications {kind}")


async def ordered(dev: DevProcess) -> Order:
    provider, customer = await signed_in(dev, "paula"), await signed_in(dev, "kim")
    service = await provider.post_service(
        "A fine drawing", "Drawn with care, by hand.", "design", PRICE, 3, 1
    )
    order = await customer.submit_order(service["id"], "A cat, please.", service["price"])
    await provider.close()
    await customer.close()
    return order


def test_it_is_ready_within_eight_seconds_and_the_whole_journey_works(dev: DevProcess) -> None:
    assert dev.processor_seconds() <= READY_WITHIN_SECONDS

    async def journey() -> None:
        order = await ordered(dev)
        async with await signed_in(dev, "paula") as provider, await signed_in(dev, "kim") as customer:
            await told(provider, "order_submitted")
            await provider.transition(order["id"], "approve")
            await told(customer, "order_approved")
            await customer.post_message(order["id"], "With whiskers!")
            await told(provider, "message_posted")
            await provider.transition(order["id"], "complete_work", note="Here is the cat.")
            done = await customer.transition(order["id"], "confirm")
            assert (done["status"], done["status_label"]) == (4, "Order Completed")
            review = await customer.submit_review(order["id"], 5, "A very good cat.")
            await provider.reply_to_review(review["id"], "Thank you!")
            await told(provider, "review_submitted")
            await told(customer, "review_replied")
            assert [t["transition"] for t in (await customer.transitions(order["id"]))["data"]] == [
                "submit",
                "approve",
                "complete_work",
                "confirm",
            ]

    run(journey())
    assert dev.end() == 0, dev.output()


def test_live_events_reach_an_open_stream(dev: DevProcess) -> None:
    async def scenario() -> None:
        async with await signed_in(dev, "paula") as provider:

            async def first_submission() -> dict[str, Any]:
                async for event in provider.events():
                    if event["type"] == "notification.created":
                        return event["data"]
                raise AssertionError("the stream ended")

            heard = asyncio.create_task(first_submission())
            await asyncio.sleep(0.5)
            await ordered(dev)
            assert await asyncio.wait_for(heard, 5)

    run(scenario())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_with_its_database(dev: DevProcess, number: signal.Signals) -> None:
    children = psutil.Process(dev.process.pid).children(recursive=True)
    assert any("postgres" in child.name() for child in children)
    assert dev.end(number) == 0
    assert not any(child.is_running() for child in children)
    assert "Traceback" not in dev.output()
    assert "Stopped" in dev.output()


def test_an_open_event_stream_does_not_hold_up_the_stop(dev: DevProcess) -> None:
    async def scenario() -> int:
        async with await signed_in(dev, "paula") as client:
            listening = asyncio.ensure_future(anext(client.events()))
            await asyncio.sleep(0.5)
            code = await asyncio.to_thread(dev.end)
            listening.cancel()
            return code

    assert run(scenario()) == 0


def test_a_dead_database_comes_back_by_itself(dev: DevProcess) -> None:
    order = run(ordered(dev))
    pid_file = dev.data_dir / "postgres" / "data" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    async def look() -> None:
        async with await signed_in(dev, "paula") as provider:
            assert (await provider.transition(order["id"], "approve"))["status"] == 2

    run(look())


def test_a_signal_while_it_starts_stops_it_cleanly(dev: DevProcess) -> None:
    dev.end()
    (dev.data_dir / "lock").unlink()
    dev.launch()
    while not (dev.data_dir / "lock").exists():
        assert dev.process.poll() is None
    assert dev.end() == 0, dev.output()
    assert "Traceback" not in dev.output()


def test_a_second_start_finds_the_data(dev: DevProcess) -> None:
    order = run(ordered(dev))
    assert dev.end() == 0
    dev.start()

    async def look() -> None:
        async with await signed_in(dev, "kim") as customer:
            assert (await customer.order(order["id"]))["number"] == order["number"]

    run(look())


def test_a_session_outlives_a_restart(dev: DevProcess) -> None:
    async def before() -> Any:
        async with await signed_in(dev, "kim") as client:
            return client.session

    session = run(before())
    dev.end()
    dev.start()

    async def after() -> str:
        async with dev.client() as client:
            client.connection.use(session)
            return (await client.me())["display_name"]

    assert run(after()) == "Kim"


def test_a_kill_loses_neither_data_nor_events(dev: DevProcess) -> None:
    order = run(ordered(dev))
    dev.kill()
    dev.start()

    async def look() -> None:
        async with await signed_in(dev, "paula") as provider, await signed_in(dev, "kim") as customer:
            assert (await customer.order(order["id"]))["status"] == 1
            await told(provider, "order_submitted")
            approved = asyncio.create_task(provider.transition(order["id"], "approve"))
            await approved

    run(look())
    dev.kill()
    dev.start()

    async def look_again() -> None:
        async with await signed_in(dev, "kim") as customer, await signed_in(dev, "paula") as provider:
            await told(customer, "order_approved")
            await told(provider, "order_submitted")

    run(look_again())


def test_its_keys_are_its_owners_only(dev: DevProcess) -> None:
    mode = (dev.data_dir / "keys.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("name", ["GATEWAY_PORT", "WEB_PORT"])
def test_a_taken_port_is_a_clear_error(name: str, tmp_path: Path) -> None:
    dev = DevProcess(tmp_path)
    port = int(dev.environment[name])
    with socket.create_server(("127.0.0.1", port)):
        done = run_dev(dev.environment)
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_the_site_takes_the_next_free_port_when_none_was_asked_for(tmp_path: Path) -> None:
    dev = DevProcess(tmp_path)
    del dev.environment["WEB_PORT"]
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # taken by somebody else is as good
            held.enter_context(socket.create_server(("127.0.0.1", 8080)))
        held.enter_context(dev)
        assert "http://127.0.0.1:8080" not in dev.output()
        assert re.search(r"site +http://127\.0\.0\.1:8[01]", dev.output())


def test_two_marketplaces_do_not_share_their_data(dev: DevProcess, tmp_path: Path) -> None:
    other = DevProcess(tmp_path)
    done = run_dev(other.environment)
    assert done.returncode == 1
    assert f"process {dev.process.pid}" in done.stderr
    assert "DATA_DIR" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("RPC_DEADLINE_SECONDS", "soon", 2), ("GATEWAY_PORT", "http", 2), ("ORDER_EXPIRY_HOURS", "-1", 2)],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str, code: int) -> None:
    done = run_dev({**DevProcess(tmp_path).environment, name: value})
    assert done.returncode == code
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_data_folder_is_a_clear_error(tmp_path: Path) -> None:
    dev = DevProcess(tmp_path)
    (tmp_path / "file").write_text("no folder")
    done = run_dev({**dev.environment, "DATA_DIR": str(tmp_path / "file" / "data")})
    assert done.returncode == 1, done.stderr
    assert "DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_keys_are_a_clear_error(tmp_path: Path) -> None:
    dev = DevProcess(tmp_path)
    dev.data_dir.mkdir()
    (dev.data_dir / "keys.json").write_text("{}")
    done = run_dev(dev.environment)
    assert done.returncode == 2
    assert "keys.json" in done.stderr
