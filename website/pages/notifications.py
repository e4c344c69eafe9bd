"""What one was told."""

from aiohttp import web
from yarl import URL

from website.http.page_request import Page, Visit, Who
from website.views.notification_text import place_of, quote_of, sentence_of

PER_PAGE = 30
PATH = "/notifications"


async def show_notifications(visit: Visit) -> web.StreamResponse:
    """The list, newest first; with `unread` in the query only what was not opened yet."""
    person, unread_only = visit.signed_in, bool(visit.request.query.get("unread"))
    cursor = visit.request.query.get("cursor")
    found = await visit.api.notifications(unread=True if unread_only else None, limit=PER_PAGE, cursor=cursor)
    first_page = URL(PATH).with_query({"unread": "1"} if unread_only else {})
    next_cursor = found["page"]["next_cursor"]
    return await visit.show(
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


async def open_notification(visit: Visit) -> web.StreamResponse:
    """Marks it read and goes to what it is about."""
    told = await visit.api.mark_notification(visit.part("notification_id"))
    return visit.go(place_of(told, visit.signed_in))


async def mark_all_read(visit: Visit) -> web.StreamResponse:
    """Marks all of them read."""
    await visit.api.mark_all_read()
    return visit.go(PATH, "all_read")


PAGES = (
    Page("GET", PATH, show_notifications, Who.SIGNED_IN),
    Page("POST", PATH + "/read-all", mark_all_read, Who.SIGNED_IN),
    Page("POST", PATH + "/{notification_id}/open", open_notification, Who.SIGNED_IN),
)
