"""What every request has in common: sessions, ownership of forms, errors, headers, metrics and the log."""

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
from kit.http.parsing import Undecodable, is_clean_address
from kit.http.security_headers import HTTPS_ONLY
from kit.http.server import is_head_too_long
from kit.localization.locales import DEFAULT_TAG
from kit.localization.translations import current_language, gettext, language_in_use, language_of
from website.assets import PATH as STATIC
from website.http.form_ownership import ask_to_sign_in, require_owner
from website.http.page_request import ACCOUNT_HEADER, Access, Page, PageRequest, SignInRequired
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
    """Returns the aiohttp handler of a page."""

    async def handle(request: web.Request) -> web.StreamResponse:
        page_request = request[PAGE_REQUEST]
        page_request.page = page
        if request.method == "POST":
            await page_request.form()
            if (refused := await require_owner(page_request, page)) is not None:
                return refused
        elif page_request.is_for_another_account(request.headers.get(ACCOUNT_HEADER)):
            return web.Response(
                text=page_request.signed_in_person.display_name, headers={ACCOUNT_HEADER: "another"}
            )
        if page.access is Access.SIGNED_IN and page_request.person is None:
            raise SignInRequired
        if request.method != "POST" and not page.is_stream:
            page_request.count_unread()
        return await page.handler(page_request)

    return handle


@web.middleware
async def serve_request(request: web.Request, handler: Any) -> web.StreamResponse:
    """Handles a request: errors become pages, and the response gets the session and standard headers."""
    started = time.monotonic()
    site: Site = request.app[SITE]
    request_id = uuid4().hex
    page_request = request[PAGE_REQUEST] = PageRequest(site, request, request_id)
    try:
        with language_in_use(language_of(page_request.locale)):
            response = await _respond(page_request, handler)
    finally:
        await page_request.close()
    if not response.prepared:
        page_request.store_session(response)
        response.headers["X-Request-Id"] = request_id
        if site.settings.is_secure:
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        _add_standard_headers(request, response)
    _record_request(request, response, request_id, time.monotonic() - started)
    return response


async def _respond(page_request: PageRequest, handler: Any) -> web.StreamResponse:
    request = page_request.raw
    try:
        if (refused := await _reject_early(page_request)) is not None:
            return refused
        response: web.StreamResponse = await handler(request)
        return response
    except RefusedBody as refused:
        return await _show_bad_body(page_request, refused)
    except SignInRequired:
        return await ask_to_sign_in(page_request, "sign_in_first")
    except Problem as problem:
        return await _show_problem(page_request, problem)
    except (Unreachable, aiohttp.ClientError, TimeoutError) as error:
        log.warning("api_unreachable", request_id=page_request.id, error=repr(error))
        return await _show_error(
            page_request, 503, gettext("The marketplace cannot be reached at the moment.")
        )
    except web.HTTPException as error:
        return await _show_http_error(page_request, error)
    except Exception:
        log.exception("page_failed", request_id=page_request.id, path=request.path)
        return await _show_error(page_request, 500, "")


async def _reject_early(page_request: PageRequest) -> web.Response | None:
    request = page_request.raw
    if is_head_too_long(request):
        return await _show_error(page_request, 400, gettext("The address and the headers are too long."))
    if not is_clean_address(request.path):
        return await _show_error(page_request, 404, "")
    try:
        page_request.read_query()
    except Undecodable as error:
        return await _show_error(page_request, 400, _unreadable_query(error))
    if request.method == "POST" and not _is_same_origin(request, page_request.site.settings.site_url):
        message = gettext("This form was not sent from here. Open the page again.")
        return await _show_error(page_request, 403, message)
    return None


def _unreadable_query(error: Undecodable) -> str:
    parameter = f" Parameter “{error.parameter[:50]}”:" if error.parameter else ""
    return f"The address of this page cannot be read.{parameter} {error}"


async def _show_bad_body(page_request: PageRequest, refused: RefusedBody) -> web.Response:
    response = await _show_error(page_request, refused.status, str(refused))
    if refused.status in (408, 413):
        response.force_close()  # the rest of the body is not read
    return response


async def _show_http_error(page_request: PageRequest, error: web.HTTPException) -> web.Response:
    """Renders an error of aiohttp. A GET of a form's path redirects to the page that shows the form."""
    if error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers["Location"]})
    if isinstance(error, web.HTTPMethodNotAllowed) and page_request.raw.method == "GET":
        return page_request.redirect(page_request.raw.rel_url.raw_path.rpartition("/")[0] or "/")
    return await _show_error(page_request, error.status, "")


async def _show_problem(page_request: PageRequest, problem: Problem) -> web.StreamResponse:
    if problem.status == 401:
        page_request.api.connection.use(None)
        page_request.person = None
        response = await ask_to_sign_in(page_request, "signed_out_elsewhere")
        page_request.site.sessions.clear(page_request.raw, response)
        return response
    status = problem.status if problem.status in (403, 404, 409, 410, 413, 422, 429) else 503
    if problem.status == 400:
        status = 404  # a cursor or filter in the URL that is not valid
    detail = problem.detail if current_language() == DEFAULT_TAG else ""  # the API speaks English
    return await _show_error(page_request, status, detail, problem.retry_after_seconds)


async def _show_error(
    page_request: PageRequest, status: int, detail: str, retry_after: float | None = None
) -> web.Response:
    response = await page_request.render("error.html", status=status, problem_status=status, detail=detail)
    if status in (429, 503):
        response.headers["Retry-After"] = str(int(retry_after or 2))
    return response


def _is_same_origin(request: web.Request, site_url: str) -> bool:
    """Whether a form was sent by a page of this site, as far as the browser's headers say."""
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    try:
        sent_from = URL(origin)
        own = URL(site_url or f"{sent_from.scheme}://{request.host}")
        return sent_from.scheme in ("http", "https") and _origin_of(sent_from) == _origin_of(own)
    except ValueError:  # an invalid URL
        return False


def _origin_of(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _add_standard_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith(STATIC):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Vary", "Cookie, Accept-Language")
        if not isinstance(response, web.Response) or response.body:
            response.enable_compression()  # aiohttp cannot compress an empty body


def _record_request(
    request: web.Request, response: web.StreamResponse, request_id: str, seconds: float
) -> None:
    if request.path in PROBES and response.status < 400:
        return
    resource = request.match_info.route.resource
    place = resource.canonical if resource is not None else "unknown"
    REQUESTS.labels(request.method, place, str(response.status)).inc()
    SECONDS.labels(place).observe(seconds)
    log.info(
        "page", method=request.method, path=request.path, status=response.status, request_id=request_id,
        milliseconds=round(seconds * 1000, 1),
    )  # fmt: skip


SITE = web.AppKey("site", Site)
PAGE_REQUEST = web.RequestKey("page_request", PageRequest)
