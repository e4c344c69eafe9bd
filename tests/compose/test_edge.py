"""The way in: what a badly behaved client gets, and what a patient one keeps."""

import asyncio
import json
import socket
import time
import urllib.error
import urllib.request
from email.message import Message

import aiohttp

from tests.compose.project import Project, say
from tests.compose.visitors import Visitor
from tests.journeys import walk

LONGER_THAN_ANY_TIMEOUT_SECONDS = 35.0
SLOWEST_REQUEST_SECONDS = 10.0
FOR_EVER = aiohttp.ClientTimeout(None)


def test_a_body_that_is_too_long_is_refused_before_it_is_read(project: Project) -> None:
    request = urllib.request.Request(f"{project.url}/v1/sessions", data=b"x" * 70_000, method="POST")
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        assert (error.code, json.load(error)["code"]) == (413, "body_too_large")
        assert error.headers["Content-Type"] == "application/problem+json"
    else:
        raise AssertionError("was taken")


def _answer(url: str, data: bytes | None = None, **headers: str) -> tuple[int, Message, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def _check_problem(project: Project, answer: tuple[int, Message, bytes], code: str, path: str) -> str:
    """What a problem of the edge has in common with a gateway's; its id, which is in the edge's log."""
    status, headers, body = answer
    problem = json.loads(body)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"/problems/{code}")
    assert problem["instance"] == path
    assert problem["request_id"] == headers["X-Request-Id"]
    assert headers["Content-Type"] == "application/problem+json"
    logged = project.compose("logs", "--no-color", "edge")
    assert f"request_id={problem['request_id']}" in logged
    return str(problem["request_id"])


def test_what_the_edge_answers_itself_is_a_problem_with_its_id_in_the_log(project: Project) -> None:
    sessions, too_long = f"{project.url}/v1/sessions", b"x" * 70_000
    own = _check_problem(project, _answer(sessions, too_long), "body_too_large", "/v1/sessions")
    again = _answer(sessions, too_long, X_Request_Id="a-client:1")
    assert _check_problem(project, again, "body_too_large", "/v1/sessions") == "a-client:1"
    odd = _answer(f'{project.url}/v1/%22%0a%5C"', too_long, X_Request_Id='"; x')
    assert _check_problem(project, odd, "body_too_large", '/v1/%22%0a%5C"') not in ('"; x', own)


def test_a_request_has_one_id_at_the_edge_and_behind_it(project: Project) -> None:
    status, headers, body = _answer(f"{project.url}/v1/nothing")
    assert (status, json.loads(body)["request_id"]) == (404, headers["X-Request-Id"])
    assert headers["X-Request-Id"] in project.compose("logs", "--no-color", "gateway")
    assert _answer(f"{project.url}/v1/nothing", X_Request_Id="mine")[1]["X-Request-Id"] == "mine"


def test_without_a_gateway_the_edge_says_so_as_a_problem(project: Project) -> None:
    project.compose("stop", "gateway")
    try:
        answer = _answer(f"{project.url}/v1/services?q=logo")
        assert answer[0] == 503
        assert answer[1]["Retry-After"] == "2"
        _check_problem(project, answer, "unavailable", "/v1/services")
        status, headers, body = _answer(f"{project.site}/services")
        assert (status, headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert headers["X-Request-Id"]
        assert b"cannot be reached" in body
    finally:
        project.up()


def test_a_form_that_is_too_long_gets_a_page_that_says_so(project: Project) -> None:
    request = urllib.request.Request(f"{project.site}/sign-in", data=b"x" * 300_000, method="POST")
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        assert error.code == 413
        assert error.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"That is too long" in error.read()
    else:
        raise AssertionError("was taken")


def _dribbled(port: int, beginning: bytes) -> tuple[bytes, float]:
    """The answer to a request that never ends, and the seconds it took."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=2 * SLOWEST_REQUEST_SECONDS) as connection:
        connection.sendall(beginning)
        return connection.recv(4096), time.monotonic() - began


def test_a_client_that_is_too_slow_is_sent_away_whatever_it_dribbles(project: Project) -> None:
    async def both() -> list[tuple[bytes, float]]:
        head = b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        attempts = (head, head + b"\r\n{")
        return await asyncio.gather(*(asyncio.to_thread(_dribbled, project.port, a) for a in attempts))

    answers = asyncio.run(both())
    for answer, seconds in answers:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert seconds < SLOWEST_REQUEST_SECONDS + 3
    head, _, body = answers[1][0].partition(b"\r\n\r\n")  # the edge writes problems once it knows the request
    problem = json.loads(body)
    assert (problem["code"], problem["instance"]) == ("body_too_slow", "/v1/sessions")
    assert f"x-request-id: {problem['request_id']}".encode() in head


def test_a_client_cannot_pretend_to_come_from_elsewhere(project: Project) -> None:
    async def sign_in() -> list[str]:
        async with walk.person(project.url, "Customer") as customer:
            assert customer.session is not None
            credentials = {"email": customer.session["account"]["email"], "password": walk.PASSWORD}
            forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
            async with (
                aiohttp.ClientSession(headers=forged) as http,
                http.post(f"{project.url}/v1/sessions", json=credentials) as answer,
            ):
                assert answer.status == 201
            return [str(session["address"]) for session in (await customer.sessions())["data"]]

    addresses = asyncio.run(sign_in())
    assert len(addresses) == 2
    assert not {"203.0.113.9", "", "None"} & set(addresses)


def test_quiet_event_streams_of_api_and_site_stay_open(project: Project) -> None:
    async def listen() -> list[str]:
        async with (
            walk.person(project.url, "Customer") as customer,
            walk.person(project.url, "Provider") as provider,
            Visitor(project.site) as visitor,
        ):
            assert provider.session is not None
            visitor.email = provider.session["account"]["email"]
            await visitor.sign_in()
            signed = {"Authorization": f"Bearer {provider.session['access_token']}"}
            async with (
                visitor.http.get(f"{project.url}/v1/events", headers=signed, timeout=FOR_EVER) as of_the_api,
                visitor.http.get(f"{project.site}/live/events", timeout=FOR_EVER) as of_the_site,
            ):
                assert of_the_api.status == of_the_site.status == 200
                say("two event streams are open")
                await asyncio.sleep(LONGER_THAN_ANY_TIMEOUT_SECONDS)
                await walk.begin(customer, provider)
                return [await _first_of_orders(stream) for stream in (of_the_api, of_the_site)]

    assert asyncio.run(listen()) == ["event: order.transitioned"] * 2


async def _first_of_orders(stream: aiohttp.ClientResponse) -> str:
    async with asyncio.timeout(15):
        async for line in stream.content:
            if line.startswith(b"event: order"):
                return line.decode().strip()
    return ""
