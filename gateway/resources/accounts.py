"""Sign-up, sessions, the caller's account, public profiles."""

from http import HTTPStatus

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, CacheControl, IdempotencyKey, RateLimit, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from kit.text import printable
from services.accounts import contract as accounts

KNOWN_BROWSER_HEADER = "Device-Token"


async def register_account(context: RequestContext) -> Reply:
    """Creates an account."""
    return await context.call(accounts.REGISTER_ACCOUNT, **context.body)


async def open_session(context: RequestContext) -> Reply:
    """Signs in; the User-Agent is shown in the list of sessions."""
    tokens = _header(context, KNOWN_BROWSER_HEADER, accounts.MAX_DEVICE_TOKENS_LENGTH)
    return await context.call(
        accounts.OPEN_SESSION, **context.body, client=_client(context), device_tokens=tokens
    )


async def refresh_session(context: RequestContext) -> Reply:
    """Exchanges a refresh token for a new pair of tokens."""
    return await context.call(accounts.REFRESH_SESSION, **context.body, client=_client(context))


def _client(context: RequestContext) -> str | None:
    return _header(context, "User-Agent", accounts.MAX_CLIENT_LENGTH) or None


def _header(context: RequestContext, name: str, max_characters: int) -> str:
    """Returns a header as printable text, cut to its maximum length."""
    sent = context.request.headers.get(name, "").encode("utf-8", "replace").decode()
    return printable(sent)[:max_characters]


async def list_security_events(context: RequestContext) -> Reply:
    """Lists the security events of the caller's account."""
    return await context.call(accounts.LIST_SECURITY_EVENTS, **context.query)


async def list_sessions(context: RequestContext) -> Reply:
    """Lists the caller's sessions."""
    return await context.call(accounts.LIST_SESSIONS, **context.query)


async def close_session(context: RequestContext) -> Reply:
    """Signs one session out; this gateway revokes it at once, the others when the event arrives."""
    session_id = context.path["session_id"]
    reply = await context.call(accounts.CLOSE_SESSION, session_id=session_id)
    _revoke_session(context, session_id)
    return reply


async def close_all_sessions(context: RequestContext) -> Reply:
    """Signs out all sessions of the caller."""
    reply = await context.call(accounts.CLOSE_ALL_SESSIONS)
    _revoke_session(context, accounts.CURRENT_SESSION)
    return reply


def _revoke_session(context: RequestContext, session_id: str) -> None:
    caller = context.caller
    if caller is not None:
        own = session_id == accounts.CURRENT_SESSION
        context.gateway.sign_out(caller.id, caller.session_id if own else session_id)


async def get_me(context: RequestContext) -> Reply:
    """Returns the caller's account."""
    return await context.call(accounts.GET_ME)


async def change_me(context: RequestContext) -> Reply:
    """Changes the caller's account."""
    return await context.call(accounts.CHANGE_ME, **context.body)


async def change_password(context: RequestContext) -> Reply:
    """Changes the password; other sessions are signed out."""
    return await context.call(accounts.CHANGE_PASSWORD, **context.body)


async def get_profile(context: RequestContext) -> Reply:
    """Returns an account's public profile."""
    return await context.call(accounts.GET_PROFILE, account_id=context.path["account_id"])


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts",
        handler=register_account,
        access=Access.ANYONE,
        summary="Sign up",
        body=accounts.RegisterAccountBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Account,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.OPTIONAL,
        cache_control=CacheControl.NO_STORE,
        rate_limit=RateLimit.ENTRANCE,
        authenticates=False,
        location="/v1/me",
    ),
    Route(
        method="POST",
        path="/v1/sessions",
        handler=open_session,
        access=Access.ANYONE,
        summary="Sign in",
        body=accounts.OpenSessionBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Session,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.OPTIONAL,
        cache_control=CacheControl.NO_STORE,
        rate_limit=RateLimit.ENTRANCE,
        authenticates=False,
        location="/v1/sessions/{session_id}",
        request_headers={
            KNOWN_BROWSER_HEADER: "`device_token` of an earlier sign-in of this browser; several separated "
            "by spaces. Wrong passwords that others try do not lock it out."
        },
    ),
    Route(
        method="POST",
        path="/v1/sessions/refresh",
        handler=refresh_session,
        access=Access.ANYONE,
        summary="Get new tokens for a refresh token",
        body=accounts.RefreshSessionBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Session,
        idempotency_key=IdempotencyKey.OPTIONAL,
        cache_control=CacheControl.NO_STORE,
        authenticates=False,
    ),
    Route(
        method="GET",
        path="/v1/sessions",
        handler=list_sessions,
        access=Access.SIGNED_IN,
        summary="List where you are signed in",
        query=accounts.ListSessionsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=accounts.ListedSession,
    ),
    Route(
        method="DELETE",
        path="/v1/sessions/{session_id}",
        handler=close_session,
        access=Access.SIGNED_IN,
        summary="Sign one session out; `current` is this one",
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="DELETE",
        path="/v1/sessions",
        handler=close_all_sessions,
        access=Access.SIGNED_IN,
        summary="Sign out everywhere",
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me",
        handler=get_me,
        access=Access.SIGNED_IN,
        summary="Your account",
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Account,
    ),
    Route(
        method="PATCH",
        path="/v1/me",
        handler=change_me,
        access=Access.SIGNED_IN,
        summary="Change your account",
        body=accounts.ChangeMeBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Account,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me/security_events",
        handler=list_security_events,
        access=Access.SIGNED_IN,
        summary="List what happened to your account",
        query=accounts.ListSecurityEventsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=accounts.SecurityEvent,
    ),
    Route(
        method="PUT",
        path="/v1/me/password",
        handler=change_password,
        access=Access.SIGNED_IN,
        summary="Change your password; other sessions are signed out",
        body=accounts.ChangePasswordBody,
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/profiles/{account_id}",
        handler=get_profile,
        access=Access.ANYONE,
        summary="A person as everyone sees them",
        response_kind=ResponseKind.RESOURCE,
        response_schema=accounts.Profile,
        cache_control=CacheControl.PUBLIC,
    ),
)
