"""What no browser sends: forms in odd encodings, too long, compressed or broken, and odd addresses."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest
from yarl import URL

from kit.http import body as bodies
from tests.website.support.fake_api import Visitor, problem, run

FORM = "application/x-www-form-urlencoded"
SERVICE = "01a223a8-dbc1-764d-bcf2-d87f81f512bb"
ORDER = "01a223a8-dbc1-764d-bcf2-d87f81f512cc"
PUNYCODE = "\U0010ffff".encode("punycode") + b"a" * 60_000
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="email"\r\nContent-Type: text/plain; charset=punycode'
    b"\r\n\r\n" + PUNYCODE + b"\r\n--b--\r\n"
)


def refused(
    path: str, data: bytes, content_type: str = FORM, signed_in: bool = False, encoding: str = ""
) -> int:
    """The status of a form that is sent so; the API is asked nothing for it, and the site goes on."""
    statuses: list[int] = []

    async def scenario(visitor: Visitor) -> None:
        if signed_in:
            await visitor.sign_in()
        asked = len(visitor.api.asked)
        sent = {"Origin": visitor.site, "Content-Type": content_type}
        if encoding:
            sent["Content-Encoding"] = encoding
        answer = await visitor.http.post(path, data=data, headers=sent, allow_redirects=False)
        statuses.append(answer.status)
        writes = [request for request in visitor.api.asked[asked:] if request.method != "GET"]
        assert writes == []
        assert "text/html" in answer.headers["Content-Type"]
        assert (await visitor.get("/help")).status == 200

    run(scenario)
    return statuses[0]


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "utf-7", "utf-16", "unicode_escape", "latin-1", "no such"]
)
def test_a_form_in_another_charset_is_not_decoded(charset: str) -> None:
    assert refused("/sign-in", PUNYCODE, f'{FORM}; charset="{charset}"') == 415


def test_a_form_of_parts_is_not_read_where_no_file_is_taken() -> None:
    assert refused("/sign-in", MULTIPART, "multipart/form-data; boundary=b") == 415
    assert refused("/sign-in", b"email=a", "text/plain") == 415


def test_a_form_has_at_most_64_kib_and_100_fields_each_once() -> None:
    assert refused("/sign-in", b"email=" + b"a" * 65_536) == 413
    assert refused("/sign-in", b"&".join(b"f%d=" % n for n in range(101))) == 400
    assert refused("/sign-in", b"email=a&email=b") == 400


@pytest.mark.parametrize("data", [b"email=%ff", b"email=\xff", b"\xff=1", b"email=%ED%A0%80"])
def test_a_form_that_is_not_utf8_is_400(data: bytes) -> None:
    assert refused("/sign-in", data) == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity", "nonsense"])
def test_a_compressed_form_is_not_opened(encoding: str) -> None:
    assert refused("/sign-in", b"this is no gzip", encoding=encoding) == 400


@pytest.mark.parametrize("value", ["9" * 5000, "-1", "1e3", "٣", "1\n", "x"])
@pytest.mark.parametrize("field", ["version", "to_status"])
def test_a_step_with_odd_numbers_is_refused(field: str, value: str) -> None:

    data = urlencode({"transition": "approve", "version": "1", field: value}).encode()
    assert refused(f"/orders/{ORDER}/transitions", data, signed_in=True) == 422


@pytest.mark.parametrize(
    "price", ["[" * 60_000, "", "5", '{"amount": 1e999, "currency": "EUR"}', '{"amount": 1}']
)
def test_an_order_at_a_price_that_was_never_shown_is_refused(price: str) -> None:

    data = urlencode({"requirements": "Please.", "price": price}).encode()[:65_536]
    assert refused(f"/services/{SERVICE}/order", data, signed_in=True) in (422,)


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


def test_a_body_that_does_not_come_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)

    async def scenario(visitor: Visitor) -> None:
        reader, writer = await asyncio.open_connection(visitor.http.host, visitor.http.port)
        head = f"POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: {FORM}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\nemail=".encode())
        assert b" 408 " in await reader.readline()
        writer.close()

    run(scenario)


def test_a_form_that_cannot_be_read_is_refused_to_somebody_signed_out_too() -> None:
    async def scenario(visitor: Visitor) -> None:
        headers = {"Origin": visitor.site, "Content-Type": f"{FORM}; charset=punycode"}
        path = f"/orders/{ORDER}/messages"
        answer = await visitor.http.post(path, data=PUNYCODE, headers=headers, allow_redirects=False)
        assert answer.status == 415

    run(scenario)


def https(scenario: Callable[[Visitor], Awaitable[None]]) -> None:
    run(scenario, site_url="https://market.example", web_secret="lantern-orchard-42-lantern-orchard-42")


def test_an_https_site_is_left_by_https_only() -> None:
    async def scenario(visitor: Visitor) -> None:
        for path in ("/help", "/nowhere", "/healthz"):
            answer = await visitor.get(path)
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    async def plain(visitor: Visitor) -> None:
        assert "Strict-Transport-Security" not in (await visitor.get("/help")).headers

    https(scenario)
    run(plain)


def test_a_link_to_a_forms_address_leads_to_where_the_form_was() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["GET /v1/orders/x"] = problem(404, "not_found")
        status, head = await raw(visitor, "GET /orders/x%20%C3%A4/payments HTTP/1.1")
        assert status == 303 and b"Location: /orders/x%20%C3%A4\r\n" in head + b"\r\n"

    run(scenario)
