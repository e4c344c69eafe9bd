"""Odd headers, addresses and first lines: refused or ignored, and never a failure of the site."""

import asyncio

import pytest
from yarl import URL

from tests.support.odd_requests import ODD_HEADERS, ODD_LINES, ODD_QUERIES, ODD_VALUES, request
from tests.website.support.fake_api import Visitor, problem, run
from tests.website.support.listening_site import ListeningSite, run_on_listening_site

LISTS = ("/services", "/orders", "/messages", "/notifications", "/dashboard/transactions", "/sign-in")


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_no_header_makes_the_site_fail(header: str) -> None:
    async def scenario(site: ListeningSite) -> None:
        host = () if header == "Host" else ("Host: x",)
        for value in ODD_VALUES:
            for path, method in (("/help", "GET"), ("/live/events", "GET"), ("/sign-out", "POST")):
                sent = request(path, *host, f"{header}: {value}", method=method)
                status, head = await site.answer(sent)
                assert status < 500, (header, value[:20], path, head)
        assert (await site.answer(request("/help", "Host: x")))[0] == 200

    run_on_listening_site(scenario)


def test_odd_first_lines_and_too_long_heads_are_refused() -> None:
    async def scenario(site: ListeningSite) -> None:
        lines = [f"{line}\r\nHost: x\r\n\r\n".encode() for line in ODD_LINES]
        heads = [request("/", *(f"X-{n}: {'a' * 8_000}" for n in range(6))), request("/", *["X-A: b"] * 150)]
        for sent in (*lines, *heads, b"\x16\x03\x01\r\n\r\n", request("/" + "a" * 9_000)):
            status, head = await site.answer(sent)
            assert 400 <= status < 500, (sent[:60], head)
            assert b"\r\nServer: MicroTasks\r\n" in head, sent[:60]
            assert b"\r\nContent-Security-Policy: " in head, sent[:60]

    run_on_listening_site(scenario)


@pytest.mark.parametrize("path", LISTS)
def test_no_query_makes_the_site_fail(path: str) -> None:
    async def scenario(site: ListeningSite) -> None:
        for query in (
            *ODD_QUERIES,
            "cursor=" + "W" * 7_000,
            "min_price=" + "9" * 5_000,
            "next=%0d%0aX:1",
            "next=//[",
            "q=%00",
            "price=9" * 900,
        ):
            status, head = await site.answer(request(f"{path}?{query}", "Host: x"))
            assert status < 500, (query[:60], head)
            assert b"\r\nX:1" not in head

    run_on_listening_site(scenario)


def test_a_path_that_is_no_utf8_is_that_of_no_page() -> None:
    async def scenario(site: ListeningSite) -> None:
        for path in (
            "/services/\udcff",
            "/services/%ff",
            "/\udcff",
            "/services/%ed%a0%80",
            "/services/%c2%85",
        ):
            assert (await site.answer(request(path, "Host: x")))[0] in (400, 404), path

    run_on_listening_site(scenario)


@pytest.mark.parametrize(
    "part", ["a%0d%0aX:1", "%00", "%7f", "..", "%2e%2e", "%2e%2e%2fme", "a b", "%ff", "ä"]
)
@pytest.mark.parametrize(
    "place", ["/orders/{}", "/orders/{}/payments", "/services/{}", "/profiles/{}", "/x/{}/y"]
)
def test_an_odd_address_is_no_page(place: str, part: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        asked = len(visitor.api.asked)
        status, head = await raw(visitor, f"GET {place.format(part)} HTTP/1.1")
        assert status in (303, 404, 400), head
        assert b"X:1" not in head
        assert not [r for r in visitor.api.asked[asked:] if ".." in r.path or "me" in r.path.split("/")]
        assert (await visitor.get("/help")).status == 200

    run(scenario)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("q=%ff", "Parameter “q”: It is not UTF-8."),
        ("q=%ed%a0%80", "Parameter “q”: It is not UTF-8."),
        ("q=a&q=b", "Parameter “q”: It is given more than once."),
        ("%3Cb%3E=1&%3Cb%3E=2", "Parameter “&lt;b&gt;”: It is given more than once."),
        ("&".join(f"a{n}=1" for n in range(101)), "It has more than 100 fields."),
    ],
)
def test_a_query_that_cannot_be_read_is_400_and_says_why(query: str, reason: str) -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        visitor.api.asked.clear()
        status, head = await raw(visitor, f"GET /services?{query} HTTP/1.1")
        answer = await visitor.http.get(URL(f"/services?{query}", encoded=True))
        assert (status, answer.status) == (400, 400), head
        assert reason in await answer.text()
        assert not visitor.api.asked_for("/v1/services"), "the API is asked nothing for it"

    run(scenario)


def test_parameters_the_site_does_not_know_are_ignored() -> None:
    async def scenario(visitor: Visitor) -> None:
        assert (await visitor.get("/services?utm_source=x&q=logo&q2=")).status == 200

    run(scenario)


async def raw(visitor: Visitor, line: str) -> tuple[int, bytes]:
    """What a request is answered whose address no client library would send."""
    reader, writer = await asyncio.open_connection(visitor.http.host, visitor.http.port)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    writer.write(f"{line}\r\nHost: x\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n".encode())
    head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), head


def test_a_link_to_a_forms_address_leads_to_where_the_form_was() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["GET /v1/orders/x"] = problem(404, "not_found")
        status, head = await raw(visitor, "GET /orders/x%20%C3%A4/payments HTTP/1.1")
        assert status == 303 and b"Location: /orders/x%20%C3%A4\r\n" in head + b"\r\n"

    run(scenario)
