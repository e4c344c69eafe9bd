"""Sign-up, sessions, one's own account, public profiles."""

from http import HTTPStatus

from gateway.http.request import Incoming
from gateway.routing.route import Key, Limit, Route, Shape, Storing, Who
from gateway.upstream.rpc_client import Reply
from kit.text import printable
from services.accounts import contract as accounts

KNOWN_BROWSER_HEADER = "Device-Token"


async def register_account(incoming: Incoming) -> Reply:
    """Sign-up."""
    return await incoming.call(accounts.REGISTER_ACCOUNT, **incoming.body)


async def open_session(incoming: Incoming) -> Reply:
    """Sign-in; the client's own name for itself goes into the list of sessions."""
    tokens = _header(incoming, KNOWN_BROWSER_HEADER, accounts.MAX_DEVICE_TOKENS_LENGTH)
    return await incoming.call(
        accounts.OPEN_SESSION, **incoming.body, client=_client(incoming), device_tokens=tokens
    )


async def refresh_session(incoming: Incoming) -> Reply:
    """A new pair of tokens for a refresh token, which is used up."""
    return await incoming.call(accounts.REFRESH_SESSION, **incoming.body, client=_client(incoming))


def _client(incoming: Incoming) -> str | None:
    return _header(incoming, "User-Agent", accounts.MAX_CLIENT_LENGTH) or None


def _header(incoming: Incoming, name: str, most_characters: int) -> str:
    """A header as text that can be stored and shown, cut to its maximum."""
    sent = incoming.request.headers.get(name, "").encode("utf-8", "replace").decode()
    return printable(sent)[:most_characters]


async def list_security_events(incoming: Incoming) -> Reply:
    """What happened to the caller's account."""
    return await incoming.call(accounts.LIST_SECURITY_EVENTS, **incoming.query)


async def list_sessions(incoming: Incoming) -> Reply:
    """Where the caller is signed in."""
    return await incoming.call(accounts.LIST_SESSIONS, **incoming.query)


async def close_session(incoming: Incoming) -> Reply:
    """Signs one session out; this gateway knows at once, the others by event."""
    session_id = incoming.path["session_id"]
    reply = await incoming.call(accounts.CLOSE_SESSION, session_id=session_id)
    _signed_out(incoming, session_id)
    return reply


async def close_all_sessions(incoming: Incoming) -> Reply:
    """Signs out everywhere."""
    reply = await incoming.call(accounts.CLOSE_ALL_SESSIONS)
    _signed_out(incoming, accounts.CURRENT_SESSION)
    return reply


def _signed_out(incoming: Incoming, session_id: str) -> None:
    caller = incoming.caller
    if caller is not None:
        own = session_id == accounts.CURRENT_SESSION
        incoming.gateway.sign_out(caller.id, caller.session_id if own else session_id)


async def get_me(incoming: Incoming) -> Reply:
    """The caller's account."""
    return await incoming.call(accounts.GET_ME)


async def change_me(incoming: Incoming) -> Reply:
    """Changes the caller's account."""
    return await incoming.call(accounts.CHANGE_ME, **incoming.body)


async def change_password(incoming: Incoming) -> Reply:
    """A new password; other sessions are signed out."""
    return await incoming.call(accounts.CHANGE_PASSWORD, **incoming.body)


async def get_profile(incoming: Incoming) -> Reply:
    """A person as everyone sees them."""
    return await incoming.call(accounts.GET_PROFILE, account_id=incoming.path["account_id"])


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts",
        handler=register_account,
        who=Who.ANYONE,
        summary="Sign up",
        body=accounts.RegisterAccountBody,
        shape=Shape.ONE,
        answer=accounts.Account,
        status=HTTPStatus.CREATED,
        key=Key.OPTIONAL,
        storing=Storing.NEVER,
        limit=Limit.ENTRANCE,
        looks_at_token=False,
        location="/v1/me",
    ),
    Route(
        method="POST",
        path="/v1/sessions",
        handler=open_session,
        who=Who.ANYONE,
        summary="Sign in",
        body=accounts.OpenSessionBody,
        shape=Shape.ONE,
        answer=accounts.Session,
        status=HTTPStatus.CREATED,
        key=Key.OPTIONAL,
        storing=Storing.NEVER,
        limit=Limit.ENTRANCE,
        looks_at_token=False,
        location="/v1/sessions/{session_id}",
        headers={
            KNOWN_BROWSER_HEADER: "`device_token` of an earlier sign-in of this browser; several separated "
            "by spaces. Wrong passwords that others try do not lock it out."
        },
    ),
    Route(
        method="POST",
        path="/v1/sessions/refresh",
        handler=refresh_session,
        who=Who.ANYONE,
        summary="Get new tokens for a refresh token",
        body=accounts.RefreshSessionBody,
        shape=Shape.ONE,
        answer=accounts.Session,
        key=Key.OPTIONAL,
        storing=Storing.NEVER,
        looks_at_token=False,
    ),
    Route(
        method="GET",
        path="/v1/sessions",
        handler=list_sessions,
        who=Who.SIGNED_IN,
        summary="List where you are signed in",
        query=accounts.ListSessionsQuery,
        shape=Shape.PAGE,
        answer=accounts.ListedSession,
    ),
    Route(
        method="DELETE",
        path="/v1/sessions/{session_id}",
        handler=close_session,
        who=Who.SIGNED_IN,
        summary="Sign one session out; `current` is this one",
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
    ),
    Route(
        method="DELETE",
        path="/v1/sessions",
        handler=close_all_sessions,
        who=Who.SIGNED_IN,
        summary="Sign out everywhere",
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me",
        handler=get_me,
        who=Who.SIGNED_IN,
        summary="Your account",
        shape=Shape.ONE,
        answer=accounts.Account,
    ),
    Route(
        method="PATCH",
        path="/v1/me",
        handler=change_me,
        who=Who.SIGNED_IN,
        summary="Change your account",
        body=accounts.ChangeMeBody,
        shape=Shape.ONE,
        answer=accounts.Account,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me/security_events",
        handler=list_security_events,
        who=Who.SIGNED_IN,
        summary="List what happened to your account",
        query=accounts.ListSecurityEventsQuery,
        shape=Shape.PAGE,
        answer=accounts.SecurityEvent,
    ),
    Route(
        method="PUT",
        path="/v1/me/password",
        handler=change_password,
        who=Who.SIGNED_IN,
        summary="Change your password; other sessions are signed out",
        body=accounts.ChangePasswordBody,
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/profiles/{account_id}",
        handler=get_profile,
        who=Who.ANYONE,
        summary="A person as everyone sees them",
        shape=Shape.ONE,
        answer=accounts.Profile,
        storing=Storing.PUBLIC,
    ),
)
