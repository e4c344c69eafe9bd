"""Malformed addresses and headers are refused or ignored, and never cause an internal error."""

import asyncio
import time

import pytest

from services.catalog import contract as catalog
from tests.gateway.examples import PAGE
from tests.gateway.testbed import ANNA, GatewayTestbed, on_gateway, token
from tests.support.odd_requests import (
    ODD_HEADERS,
    ODD_IDS,
    ODD_LINES,
    ODD_PATHS,
    ODD_QUERIES,
    ODD_TYPES,
    ODD_VALUES,
    request,
)

SERVICES = "/v1/services"


async def answer_to(testbed: GatewayTestbed, sent: bytes) -> tuple[int, bytes]:
    """Sends raw bytes to a gateway; returns the response's status and head."""
    url = testbed.client._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    return int(head.split(b" ", 2)[1]), head


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_no_header_makes_the_gateway_fail(header: str) -> None:
    @on_gateway(trusted_proxies="127.0.0.0/8 ::1")
    async def scenario(testbed: GatewayTestbed) -> None:
        testbed.rpc.answer(catalog.SEARCH_SERVICES, PAGE)
        host = () if header == "Host" else ("Host: x",)
        for value in ODD_VALUES:
            for lines in ((f"{header}: {value}",), (f"{header}: {value}", f"{header}: {value}")):
                status, head = await answer_to(testbed, request(SERVICES, *host, *lines))
                assert status < 500, (header, value[:20], head)
        async with testbed.request("GET", "/healthz") as response:
            assert response.status == 200

    scenario()


@on_gateway()
async def test_control_characters_and_broken_escapes_in_addresses_are_404_or_400(
    testbed: GatewayTestbed,
) -> None:
    signed = f"Authorization: Bearer {token(ANNA)}"
    for path in (*(f"/v1/orders/{odd}/messages" for odd in ODD_IDS), *ODD_PATHS):
        status, head = await answer_to(testbed, request(path, "Host: x", signed))
        assert status in (400, 404), (path, head)
    for query in ODD_QUERIES:
        status, head = await answer_to(testbed, request(f"{SERVICES}?{query}", "Host: x"))
        assert status == 400, (query, head)
    assert testbed.rpc.calls == []


@on_gateway()
async def test_odd_first_lines_are_refused(testbed: GatewayTestbed) -> None:
    for line in ODD_LINES:
        status, head = await answer_to(testbed, f"{line}\r\nHost: x\r\n\r\n".encode())
        assert 400 <= status < 500, (line, head)
        assert b"\r\nServer: MicroTasks\r\n" in head, line


@on_gateway()
async def test_headers_that_are_too_long_together_are_a_problem(testbed: GatewayTestbed) -> None:
    headers = {f"X-{number}": "a" * 8_000 for number in range(6)}
    problem = await testbed.problem("GET", SERVICES, headers=headers)
    assert (problem["status"], problem["code"]) == (400, "bad_request")


@on_gateway()
async def test_a_body_with_broken_chunks_is_400(testbed: GatewayTestbed) -> None:
    lines = ("Host: x", "Content-Type: application/json", "Transfer-Encoding: chunked")
    head = request("/v1/sessions", *lines, method="POST")
    status, answer = await answer_to(testbed, head + b"zz\r\n{}\r\n0\r\n\r\n")
    assert status == 400, answer


@pytest.mark.parametrize("content_type", ODD_TYPES, ids=range(len(ODD_TYPES)))
def test_an_odd_content_type_is_415_at_once(content_type: str) -> None:
    @on_gateway()
    async def scenario(testbed: GatewayTestbed) -> None:
        lines = ("Host: x", f"Content-Type: {content_type}", "Content-Length: 2")
        for path in ("/v1/sessions", f"/v1/sandbox/actions/{'t' * 32}"):
            began = time.thread_time()
            status, _ = await answer_to(testbed, request(path, *lines, method="POST") + b"{}")
            assert (status, time.thread_time() - began < 0.2) == (415, True)

    scenario()
