"""Forms that no browser sends: in odd encodings, too long, compressed or broken. All are refused."""

import asyncio
from urllib.parse import urlencode

import pytest

from kit.http import body as bodies
from tests.support.odd_requests import ODD_TYPES, request
from tests.website.support.fake_api import Visitor, run
from tests.website.support.listening_site import ListeningSite, run_on_listening_site

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


@pytest.mark.parametrize("content_type", ODD_TYPES, ids=range(len(ODD_TYPES)))
def test_an_odd_content_type_is_415(content_type: str) -> None:
    async def scenario(site: ListeningSite) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {content_type}", "Content-Length: 2")
        assert (await site.answer(request("/sign-in", *lines, method="POST") + b"a="))[0] == 415

    run_on_listening_site(scenario)


def test_a_form_with_broken_chunks_is_400() -> None:
    async def scenario(site: ListeningSite) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
        sent = request("/sign-in", *lines, method="POST") + b"zz\r\na=\r\n0\r\n\r\n"
        assert (await site.answer(sent))[0] == 400

    run_on_listening_site(scenario)


def test_a_charset_is_refused_before_the_length_is_looked_at() -> None:
    async def scenario(site: ListeningSite) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {FORM}; charset=punycode")
        sent = request("/sign-in", *lines, "Content-Length: 250001", method="POST")
        assert (await site.answer(sent))[0] == 415

    run_on_listening_site(scenario)
