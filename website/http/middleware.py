"""The frame around every page: who asks, from where, what went wrong, and the headers of every answer."""

import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from client import Problem, Unreachable
from kit.http.body import RefusedBody
from kit.http.parsing import is_clean_address
from kit.http.security_headers import HTTPS_ONLY
from kit.http.server import is_head_too_long
from website.assets import PATH as STATIC
from website.http.form_ownership import ask_to_sign_in, refuse_unless_owner
from website.http.page_request import ACCOUNT_HEADER, Page, SignedOut, Visit, Who
from website.metrics import REQUESTS, SECONDS
from website.site import Site

log = structlog.get_logger(__name__)

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PROBES = ("/healthz", "/readyz")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Server": "MicroTasks",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


def serve(site: Site, page: Page) -> AiohttpHandler:
    """An aiohttp handler for a page: one visit, from the cookie to the cookie."""

    async def handle(request: web.Request) -> web.StreamResponse:
        visit = request[VISIT]
        visit.page = page
        if request.method == "POST":
            await visit.form()
            if (refused := await refuse_unless_owner(visit, page)) is not None:
                return refused
        elif visit.is_of_another(request.headers.get(ACCOUNT_HEADER)):
            return web.Response(text=visit.signed_in.display_name, headers={ACCOUNT_HEADER: "another"})
        if page.who is Who.SIGNED_IN and visit.person is None:
            raise SignedOut
        if request.method != "POST" and not page.is_stream:
            visit.count_unread()
        return await page.handler(visit)

    return handle


@web.middleware
async def frame(request: web.Request, handler: Any) -> web.StreamResponse:
    """Around every request."""
    began = time.monotonic()
    site: Site = request.app[SITE]
    visit_id = uuid4().hex
    visit = request[VISIT] = Visit(site, request, visit_id)
    try:
        response = await _answer(visit, handler)
    finally:
        await visit.close()
    if not response.prepared:
        visit.keep_session(response)
        response.headers["X-Request-Id"] = visit_id
        if site.settings.is_secure:
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        _finish(request, response)
    _note(request, response, visit_id, time.monotonic() - began)
    return response


async def _answer(visit: Visit, handler: Any) -> web.StreamResponse:
    request = visit.request
    try:
        if (refused := await _refuse_early(visit)) is not None:
            return refused
        answer: web.StreamResponse = await handler(request)
        return answer
    except RefusedBody as refused:
        return await _refuse_body(visit, refused)
    except SignedOut:
        return await ask_to_sign_in(visit, "sign_in_first")
    except Problem as problem:
        return await _refused(visit, problem)
    except (Unreachable, aiohttp.ClientError, TimeoutError) as error:
        log.warning("api_unreachable", visit_id=visit.id, error=repr(error))
        return await _error(visit, 503, "The marketplace cannot be reached at the moment.")
    except web.HTTPException as error:
        return await _not_a_page(visit, error)
    except Exception:
        log.exception("page_failed", visit_id=visit.id, path=request.path)
        return await _error(visit, 500, "")


async def _refuse_early(visit: Visit) -> web.Response | None:
    request = visit.request
    if is_head_too_long(request):
        return await _error(visit, 400, "The address and the headers are too long.")
    if not is_clean_address(request.path):
        return await _error(visit, 404, "")
    if request.method == "POST" and not _comes_from_here(request, visit.site.settings.site_url):
        return await _error(visit, 403, "This form was not sent from here. Open the page again.")
    return None


async def _refuse_body(visit: Visit, refused: RefusedBody) -> web.Response:
    response = await _error(visit, refused.status, str(refused))
    if refused.status in (408, 413):
        response.force_close()  # nobody reads the rest
    return response


async def _not_a_page(visit: Visit, error: web.HTTPException) -> web.Response:
    """What aiohttp itself answers. A form's address, asked for as a page, leads to where the form was."""
    if error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers["Location"]})
    if isinstance(error, web.HTTPMethodNotAllowed) and visit.request.method == "GET":
        return visit.go(visit.request.rel_url.raw_path.rpartition("/")[0] or "/")
    return await _error(visit, error.status, "")


async def _refused(visit: Visit, problem: Problem) -> web.StreamResponse:
    if problem.status == 401:
        visit.api.connection.use(None)
        visit.person = None
        response = await ask_to_sign_in(visit, "signed_out_elsewhere")
        visit.site.sessions.forget(visit.request, response)
        return response
    status = problem.status if problem.status in (403, 404, 409, 410, 413, 422, 429) else 503
    if problem.status == 400:
        status = 404  # a cursor or a filter that somebody changed in the address
    return await _error(visit, status, problem.detail, problem.retry_after_seconds)


async def _error(visit: Visit, status: int, detail: str, retry_after: float | None = None) -> web.Response:
    response = await visit.show("error.html", status=status, problem_status=status, detail=detail)
    if status in (429, 503):
        response.headers["Retry-After"] = str(int(retry_after or 2))
    return response


def _comes_from_here(request: web.Request, site_url: str) -> bool:
    """Whether a form was sent by one of our own pages, as far as the browser tells."""
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    try:
        sent_from = URL(origin)
        own = URL(site_url or f"{sent_from.scheme}://{request.host}")
        return sent_from.scheme in ("http", "https") and _place(sent_from) == _place(own)
    except ValueError:  # no address
        return False


def _place(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _finish(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith(STATIC):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Vary", "Cookie")
        if not isinstance(response, web.Response) or response.body:
            response.enable_compression()  # aiohttp cannot compress the nothing of a redirect


def _note(request: web.Request, response: web.StreamResponse, visit_id: str, seconds: float) -> None:
    if request.path in PROBES and response.status < 400:
        return
    resource = request.match_info.route.resource
    place = resource.canonical if resource is not None else "unknown"
    REQUESTS.labels(request.method, place, str(response.status)).inc()
    SECONDS.labels(place).observe(seconds)
    log.info(
        "page", method=request.method, path=request.path, status=response.status, request_id=visit_id,
        milliseconds=round(seconds * 1000, 1),
    )  # fmt: skip


SITE = web.AppKey("site", Site)
VISIT = web.RequestKey("visit", Visit)
