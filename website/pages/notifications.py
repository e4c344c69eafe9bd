"""What one was told."""

from aiohttp import web
from yarl import URL

from website.http.page_request import Access, Page, PageRequest
from website.views.notification_text import place_of, quote_of, sentence_of

PER_PAGE = 30
PATH = "/notifications"


async def show_notifications(request: PageRequest) -> web.StreamResponse:
    """The list, newest first; with `unread` in the query only what was not opened yet."""
    person, unread_only = request.signed_in_person, bool(request.query.get("unread"))
    cursor = request.query.get("cursor")
    found = await request.api.notifications(
        unread=True if unread_only else None, limit=PER_PAGE, cursor=cursor
    )
    first_page = URL(PATH).with_query({"unread": "1"} if unread_only else {})
    next_cursor = found["page"]["next_cursor"]
    return await request.render(
        "notifications.html",
        notifications=[
            (told, sentence_of(told, person.locale, person.time_zone), quote_of(told))
            for told in found["data"]
        ],
        unread_only=unread_only,
        is_first=cursor is None,
        first_page=str(first_page),
        next_page=str(first_page.update_query(cursor=next_cursor)) if next_cursor else None,
    )


async def open_notification(request: PageRequest) -> web.StreamResponse:
    """Marks it read and goes to what it is about."""
    told = await request.api.mark_notification(request.path_id("notification_id"))
    return request.redirect(place_of(told, request.signed_in_person))


async def mark_all_read(request: PageRequest) -> web.StreamResponse:
    """Marks all of them read."""
    await request.api.mark_all_read()
    return request.redirect(PATH, "all_read")


PAGES = (
    Page("GET", PATH, show_notifications, Access.SIGNED_IN),
    Page("POST", PATH + "/read-all", mark_all_read, Access.SIGNED_IN),
    Page("POST", PATH + "/{notification_id}/open", open_notification, Access.SIGNED_IN),
)
