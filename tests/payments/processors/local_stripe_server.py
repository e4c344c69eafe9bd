"""localstripe on one port, extended to what payments needs of today's Stripe. Its argument is the port.

localstripe answers an older version of the API, stores no idempotency keys and has no Checkout.
What payments needs besides is added here; what was posted is listed at `/_requests`.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from localstripe import resources, server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
posted: list[dict[str, str | None]] = []
answered: dict[str, web.Response] = {}
sessions: dict[str | None, dict[str, Any]] = {}
create_intent = resources.PaymentIntent._api_create.__func__


def create_intent_as_today(
    cls: type[Any], /, automatic_payment_methods: dict[str, str] | None = None, **given: Any
) -> Any:
    """A PaymentIntent; the way to name payment methods has changed since."""
    assert automatic_payment_methods == {"enabled": "true", "allow_redirects": "never"}
    return create_intent(cls, **given)


@web.middleware
async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Notes what is posted, and answers for Checkout."""
    if request.path == "/_requests":
        return web.json_response(posted)
    key = request.headers.get("Idempotency-Key")
    if request.method == "POST":
        posted.append({"path": request.path, "key": key})
    if request.path.startswith("/v1/checkout/sessions"):
        return await _checkout(request)
    if request.path == "/v1/payouts":  # all of the tests are young enough
        request = request.clone(rel_url=request.rel_url.without_query_params("created[gte]"))
    if key is None:
        return await handler(request)
    if key not in answered:
        done = await handler(request)
        assert isinstance(done, web.Response)
        answered[key] = done
    answer = answered[key]
    return web.Response(status=answer.status, body=answer.body, content_type="application/json")


async def _checkout(request: web.Request) -> web.Response:
    parts = request.path.split("/")[4:]
    if not parts:
        key = request.headers.get("Idempotency-Key")
        session = sessions.setdefault(key, _session(await server.get_post_data(request)))
        return web.json_response(session)
    session = next(one for one in sessions.values() if one["id"] == parts[0])
    if parts[1:] == ["expire"]:
        if session["status"] != "open":
            error = {"type": "invalid_request_error", "message": "Only open ones expire."}
            return web.json_response({"error": error}, status=400)
        session["status"] = "expired"
    if parts[1:] == ["_pay"]:
        intent = (await server.get_post_data(request))["intent"]
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent}
    return web.json_response(session)


def _session(asked: dict[str, Any]) -> dict[str, Any]:
    number = len(sessions)
    return {
        "id": f"cs_{number}",
        "object": "checkout.session",
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "metadata": asked["metadata"],
        "url": f"https://checkout.example/{number}",
        "asked": asked,
    }


def main() -> None:
    """Serves until it is killed; nothing is written to the disk."""
    resources.Store.dump_to_disk = lambda _store: None
    resources.PaymentIntent._api_create = classmethod(create_intent_as_today)
    server.app.middlewares.insert(0, keep)
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
