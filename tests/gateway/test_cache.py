"""Public answers of the catalog are cached, and never stale for long."""

import asyncio
from typing import Any

import pytest

from gateway.cache import Cache
from gateway.http.response import Answer
from gateway.metrics import RPCS
from gateway.routing.policies import CacheRegion
from services.catalog import contract as catalog
from tests.gateway.examples import PAGE
from tests.gateway.testbed import ANNA, BEN, ORDER_ID, SERVICE_ID, GatewayTestbed, on_gateway

SERVICE = f"/v1/services/{SERVICE_ID}"
OTHER = f"/v1/services/{ORDER_ID}"
ANSWER = Answer(200, b"{}", {})


def service(service_id: str = SERVICE_ID, status: str = "active", title: str = "one") -> dict[str, Any]:
    """A service as the catalog returns it."""
    return {"id": service_id, "status": status, "title": title, "version": 1}


async def title_of(testbed: GatewayTestbed, path: str = SERVICE, who: str | None = None) -> str:
    """Returns what a reader sees."""
    async with testbed.request("GET", path, who) as response:
        assert response.status == 200
        return str((await response.json())["title"])


def changed(testbed: GatewayTestbed, service_id: str = SERVICE_ID) -> None:
    """Publishes `service_changed`."""
    testbed.feed.deliver("service_changed", {"event_id": "e", "service_id": service_id})


@on_gateway()
async def test_a_cached_answer_needs_no_call_whoever_reads(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.GET_SERVICE, service())
    testbed.rpc.answer(catalog.SEARCH_SERVICES, PAGE)
    testbed.rpc.answer(catalog.LIST_CATEGORIES, PAGE)
    counter = RPCS.labels("get_service", "catalog.get_service")
    before = counter._value.get()
    for path in (SERVICE, "/v1/services?q=a&limit=5", "/v1/categories"):
        testbed.rpc.calls.clear()
        for who in (None, ANNA, BEN, None):
            async with testbed.request("GET", path, who) as response:
                assert response.status == 200
        assert len(testbed.rpc.calls) == 1, path
    assert counter._value.get() - before == 1
    async with testbed.request("GET", SERVICE) as response:
        etag = response.headers["ETag"]
    async with testbed.request("GET", SERVICE, headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    testbed.rpc.calls.clear()
    async with testbed.request("GET", "/v1/services?q=b&limit=5") as response:
        assert response.status == 200
    assert len(testbed.rpc.calls) == 1


@on_gateway()
async def test_a_draft_is_visible_to_its_owner_only_archived_or_not(testbed: GatewayTestbed) -> None:
    for status in ("draft", "archived"):
        testbed.rpc.answer(catalog.GET_SERVICE, service(status=status))
        assert await title_of(testbed, who=ANNA) == "one"
        testbed.rpc.answer(catalog.GET_SERVICE, catalog_not_found())
        assert (await testbed.problem("GET", SERVICE, BEN))["status"] == 404
        assert (await testbed.problem("GET", SERVICE))["status"] == 404
    testbed.rpc.answer(catalog.GET_SERVICE, service(title="published"))
    assert await title_of(testbed) == "published"


def catalog_not_found() -> Exception:
    """Returns what other accounts get."""
    from kit.errors import NotFound

    return NotFound("No.")


@on_gateway()
async def test_a_change_evicts_the_service_and_every_list_and_nothing_else(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.GET_SERVICE, lambda service_id: service(service_id))
    testbed.rpc.answer(catalog.SEARCH_SERVICES, PAGE)
    for path in (SERVICE, OTHER, "/v1/services"):
        async with testbed.request("GET", path):
            pass
    changed(testbed)
    testbed.rpc.calls.clear()
    for path in (SERVICE, OTHER, "/v1/services"):
        async with testbed.request("GET", path):
            pass
    assert [contract.method for contract, _, _ in testbed.rpc.calls] == ["get_service", "search_services"]


@on_gateway()
async def test_a_fill_that_began_before_a_change_is_discarded(testbed: GatewayTestbed) -> None:
    may_answer = asyncio.Event()

    async def slow(service_id: str) -> dict[str, Any]:
        await may_answer.wait()
        return service(service_id, title="old")

    testbed.rpc.answer(catalog.GET_SERVICE, slow)
    reading = asyncio.create_task(title_of(testbed))
    while not testbed.rpc.calls:
        await asyncio.sleep(0.01)
    changed(testbed)
    may_answer.set()
    assert await reading == "old"
    testbed.rpc.answer(catalog.GET_SERVICE, service(title="new"))
    assert await title_of(testbed) == "new"


def test_a_fill_is_discarded_only_for_a_change_of_its_own_resource() -> None:
    cache = Cache(30.0, 100)
    fills = [
        cache.begin_fill(CacheRegion.SERVICE, "changed"),
        cache.begin_fill(CacheRegion.SERVICE, "other"),
        cache.begin_fill(CacheRegion.LISTING, "/v1/services"),
    ]
    cache.drop_service("changed")
    for fill in fills:
        cache.put(fill, ANSWER)
    kept = [cache.get(fill.region, fill.key) is not None for fill in fills]
    assert kept == [False, True, False]
    again = cache.begin_fill(CacheRegion.SERVICE, "changed")
    cache.put(again, ANSWER)
    assert cache.get(CacheRegion.SERVICE, "changed") is ANSWER


def test_a_reconnect_discards_every_fill_in_progress() -> None:
    cache = Cache(30.0, 100)
    fill = cache.begin_fill(CacheRegion.SERVICE, "a")
    cache.clear()
    cache.put(fill, ANSWER)
    assert cache.get(CacheRegion.SERVICE, "a") is None


@on_gateway()
async def test_a_reconnect_of_the_feed_clears_the_cache(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.GET_SERVICE, service(title="old"))
    assert await title_of(testbed) == "old"
    testbed.rpc.answer(catalog.GET_SERVICE, service(title="new"))
    assert await title_of(testbed) == "old"
    testbed.feed.connected()
    assert await title_of(testbed) == "new"


@on_gateway()
async def test_who_changes_a_service_sees_the_change_at_once(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.CHANGE_SERVICE, service(title="new"))
    testbed.rpc.answer(catalog.ARCHIVE_SERVICE, None)
    testbed.rpc.answer(catalog.POST_SERVICE, service())
    headers = {"If-Match": '"1.a"'}
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", SERVICE, {"json": {"title": "new title"}}),
        ("DELETE", SERVICE, {}),
    ]
    for number, (method, path, options) in enumerate(writes):
        testbed.gateway.cache.clear()
        testbed.rpc.answer(catalog.GET_SERVICE, service(title=f"old {number}"))
        assert await title_of(testbed) == f"old {number}"
        testbed.rpc.answer(catalog.GET_SERVICE, service(title=f"new {number}"))
        async with testbed.request(method, path, ANNA, headers=headers, **options) as response:
            assert response.status < 300
        assert await title_of(testbed) == f"new {number}"


def test_the_cache_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cache.MAX_REGION_BYTES", 25)
    cache = Cache(30.0, 100)
    ten = Answer(200, b"0123456789", {})
    for key in ("a", "b", "b", "c"):
        cache.put(cache.begin_fill(CacheRegion.LISTING, key), ten)
    assert [cache.get(CacheRegion.LISTING, key) is not None for key in "abc"] == [False, True, True]
    cache.put(cache.begin_fill(CacheRegion.LISTING, "d"), Answer(200, b"x" * 30, {}))
    assert cache.get(CacheRegion.LISTING, "d") is None
    cache.clear()
    for key in ("a", "b"):
        cache.put(cache.begin_fill(CacheRegion.LISTING, key), ten)
    assert cache.get(CacheRegion.LISTING, "a") is ten


@on_gateway(cache_seconds=0.0)
async def test_caching_can_be_switched_off(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(catalog.GET_SERVICE, service())
    await title_of(testbed)
    await title_of(testbed)
    assert len(testbed.rpc.calls) == 2


def test_entries_expire_and_the_least_recently_used_are_evicted_first() -> None:
    now = [100.0]
    cache = Cache(30.0, 2, clock=lambda: now[0])
    for key in ("a", "b"):
        cache.put(cache.begin_fill(CacheRegion.SERVICE, key), ANSWER)
    assert cache.get(CacheRegion.SERVICE, "a") is ANSWER
    cache.put(cache.begin_fill(CacheRegion.SERVICE, "c"), ANSWER)
    assert cache.get(CacheRegion.SERVICE, "b") is None
    assert cache.get(CacheRegion.SERVICE, "a") is ANSWER
    assert cache.get(CacheRegion.LISTING, "a") is None
    now[0] += 30.0
    assert cache.get(CacheRegion.SERVICE, "a") is None
