"""The client repeats what got no answer under the same key, stays signed in, and tells problems apart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import MarketplaceClient, Problem, Unreachable

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeApi:
    """Answers from a script, and remembers what it was asked."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        step = self.script.pop(0)
        if step == "hang up":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if callable(step):
            answer: web.StreamResponse = await step(request)
            return answer
        status, content, *headers = step
        return web.json_response(content, status=status, headers=headers[0] if headers else None)

    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for _, _, headers, _ in self.asked]


def run(
    api: FakeApi, scenario: Callable[[MarketplaceClient], Awaitable[Any]], patience_seconds: float = 5.0
) -> Any:
    async def main() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", api.answer)
        async with (
            TestServer(app) as server,
            MarketplaceClient(str(server.make_url("/")), patience_seconds) as client,
        ):
            return await scenario(client)

    return asyncio.run(main())


def session(token: str = "a1", expires_in: int = 600) -> dict[str, Any]:
    return {
        "session_id": "s",
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "refresh_token": f"refresh-{token}",
        "account": {},
    }


BUSY = {"code": "unavailable", "title": "Busy", "status": 503}


def test_a_write_is_repeated_under_the_same_key_when_the_connection_is_lost() -> None:
    api = FakeApi("hang up", (201, {"id": "o"}))
    order = run(api, lambda client: client.submit_order("s", "please"))
    assert order == {"id": "o"}
    assert len(set(api.keys())) == 1


def test_a_write_is_repeated_when_the_service_is_away_not_before_it_asked_for() -> None:
    api = FakeApi((503, BUSY, {"Retry-After": "1"}), (201, {"id": "o"}))

    async def scenario(client: MarketplaceClient) -> float:
        began = asyncio.get_running_loop().time()
        await client.submit_order("s", "please", key="mine")
        return asyncio.get_running_loop().time() - began

    assert run(api, scenario) >= 1
    assert api.keys() == ["mine", "mine"]


def test_patience_ends_with_the_problem() -> None:
    api = FakeApi(*[(503, BUSY)] * 50)
    with pytest.raises(Problem) as refused:
        run(api, lambda client: client.me(), patience_seconds=0.5)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert len(api.asked) > 1


def test_a_wait_longer_than_the_patience_is_not_begun() -> None:
    api = FakeApi((429, {"code": "rate_limited"}, {"Retry-After": "3600"}))
    with pytest.raises(Problem) as refused:
        run(api, lambda client: client.me())
    assert refused.value.retry_after_seconds == 3600


def test_no_answer_at_all_is_unreachable() -> None:
    async def main() -> None:
        async with MarketplaceClient("http://127.0.0.1:1", patience_seconds=0.3) as client:
            await client.categories()

    with pytest.raises(Unreachable):
        asyncio.run(main())


def test_a_refusal_is_not_repeated_and_names_the_fields() -> None:
    body = {
        "code": "validation_failed",
        "detail": "Bad values.",
        "errors": [{"pointer": "#/rating", "code": "invalid", "detail": "Must be 1 to 5."}],
    }
    api = FakeApi((422, body))
    with pytest.raises(Problem, match="#/rating: Must be 1 to 5"):
        run(api, lambda client: client.submit_review("o", 9))
    assert len(api.asked) == 1


def test_an_answer_that_is_no_json_is_a_problem_not_a_crash() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Something else</h1>", content_type="text/html")

    with pytest.raises(Problem, match="is this the gateway's address") as refused:
        run(FakeApi(page), lambda client: client.me())
    assert refused.value.code == "not_json"


def test_a_conflict_says_what_can_be_done_instead() -> None:
    api = FakeApi((409, {"code": "invalid_transition", "available_transitions": ["cancel"]}))
    with pytest.raises(Problem) as refused:
        run(api, lambda client: client.transition("o", "approve"))
    assert refused.value.available_transitions == ["cancel"]


def test_requests_after_sign_in_carry_the_token() -> None:
    api = FakeApi((201, session()), (200, {"id": "me"}))

    async def scenario(client: MarketplaceClient) -> None:
        await client.sign_in("ada@demo.example", "secret secret")
        await client.me()

    run(api, scenario)
    assert api.asked[1][2]["Authorization"] == "Bearer a1"


def test_a_token_about_to_expire_is_renewed_first() -> None:
    api = FakeApi((201, session(expires_in=5)), (200, session("a2")), (200, {}))

    async def scenario(client: MarketplaceClient) -> None:
        await client.sign_in("ada@demo.example", "secret secret")
        await client.me()

    run(api, scenario)
    assert api.asked[1][1] == "/v1/sessions/refresh"
    assert api.asked[1][3] == {"refresh_token": "refresh-a1"}
    assert api.asked[2][2]["Authorization"] == "Bearer a2"


def test_a_refused_token_is_renewed_once_and_the_request_repeated_under_its_key() -> None:
    expired = (401, {"code": "token_expired"})
    api = FakeApi((201, session()), expired, (200, session("a2")), (201, {"id": "o"}))

    async def scenario(client: MarketplaceClient) -> None:
        await client.sign_in("ada@demo.example", "secret secret")
        await client.submit_order("s", "please", key="mine")

    run(api, scenario)
    assert [path for _, path, _, _ in api.asked[1:]] == ["/v1/orders", "/v1/sessions/refresh", "/v1/orders"]
    assert (api.keys()[1], api.keys()[3]) == ("mine", "mine")


def test_many_requests_with_a_stale_token_renew_it_once() -> None:
    class Routed(FakeApi):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            self.asked.append((request.method, request.path, {}, None))
            if request.path.endswith("refresh"):
                return web.json_response(session("a2"))
            if request.headers["Authorization"] == "Bearer a1":
                return web.json_response({"code": "token_expired"}, status=401)
            return web.json_response({})

    api = Routed()

    async def scenario(client: MarketplaceClient) -> None:
        client.connection.use(session())  # type: ignore[arg-type]
        await asyncio.gather(*(client.me() for _ in range(5)))

    run(api, scenario)
    assert sum(path == "/v1/sessions/refresh" for _, path, _, _ in api.asked) == 1


def test_a_session_that_is_over_signs_the_client_out() -> None:
    api = FakeApi((401, {"code": "token_expired"}), (401, {"code": "invalid_refresh_token"}))

    async def scenario(client: MarketplaceClient) -> object:
        client.connection.use(session())  # type: ignore[arg-type]
        with pytest.raises(Problem, match="invalid_refresh_token"):
            await client.me()
        return client.session

    assert run(api, scenario) is None


def test_wrong_passwords_are_not_taken_for_a_stale_token() -> None:
    api = FakeApi((401, {"code": "invalid_credentials"}))
    with pytest.raises(Problem, match="invalid_credentials"):
        run(api, lambda client: client.sign_in("ada@demo.example", "wrong"))
    assert len(api.asked) == 1


def test_empty_filters_are_left_out_of_the_query() -> None:
    api = FakeApi((200, {"data": [], "page": {}}))
    run(api, lambda client: client.search_services(q="logo", category=None))
    assert api.asked[0][1] == "/v1/services?q=logo"


def test_a_whole_list_is_read_page_after_page() -> None:
    def page(items: list[int], cursor: str | None) -> tuple[int, Any]:
        return 200, {"data": items, "page": {"next_cursor": cursor, "has_more": cursor is not None}}

    api = FakeApi(page([1, 2], "next"), page([3], None))

    async def scenario(client: MarketplaceClient) -> list[int]:
        return [item async for item in client.all_of("/v1/notifications")]

    assert run(api, scenario) == [1, 2, 3]
    assert api.asked[1][1] == "/v1/notifications?limit=100&cursor=next"


@pytest.mark.parametrize(("query", "sort"), [({}, "-created_at"), ({"sort": "-updated_at"}, "-updated_at")])
def test_all_orders_are_read_in_an_order_that_changes_of_them_do_not_change(
    query: dict[str, str], sort: str
) -> None:
    first, last = ({"data": [n], "page": {"next_cursor": c}} for n, c in ((1, "next"), (2, None)))
    api = FakeApi((200, first), (200, last))

    async def scenario(client: MarketplaceClient) -> list[int]:
        return [item async for item in client.all_of("/v1/orders", role="customer", **query)]

    assert run(api, scenario) == [1, 2]
    assert all(f"sort={sort}" in asked[1] for asked in api.asked)


def test_live_events_resume_after_the_last_one_when_the_stream_breaks() -> None:
    def stream(text: str) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(text.encode())
            return response

        return answer

    api = FakeApi(
        stream(': ping\n\nid: 1\nevent: message.created\ndata: {"order_id":"o"}\n\n'),
        stream('id: 2\nevent: order.transitioned\ndata: {"order_id":"o"}\n\n'),
    )

    async def scenario(client: MarketplaceClient) -> list[Any]:
        found = []
        async for event in client.events():
            found.append(event)
            if len(found) == 2:
                break
        return found

    found = run(api, scenario)
    assert [event["type"] for event in found] == ["message.created", "order.transitioned"]
    assert found[0]["data"] == {"order_id": "o"}
    assert api.asked[1][2]["Last-Event-ID"] == "1"


def test_a_document_comes_as_bytes_of_the_type_that_was_asked_for() -> None:
    async def pdf(request: web.Request) -> web.Response:
        return web.Response(body=b"%PDF-1.4", content_type=request.headers["Accept"])

    assert run(FakeApi(pdf), lambda client: client.receipt("p")) == b"%PDF-1.4"
    assert run(FakeApi(pdf), lambda client: client.statement("2026-11", "html")) == b"%PDF-1.4"
    as_json = FakeApi((200, {"month": "2026-11"}))
    assert run(as_json, lambda client: client.statement("2026-11")) == {"month": "2026-11"}
    assert as_json.asked[0][1] == "/v1/me/statements/2026-11?format=json"
