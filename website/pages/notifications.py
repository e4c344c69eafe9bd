"""The notifications of an account."""

from aiohttp import web
from yarl import URL

from website.http.page_request import Access, Page, PageRequest
from website.views.notification_text import place_of, quote_of, sentence_of

PER_PAGE = 30
PATH = "/notifications"


async def show_notifications(request: PageRequest) -> web.StreamResponse:
    """Shows the notifications, newest first; with `unread` in the query only unread ones."""
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
            (notification, sentence_of(notification, person.locale, person.time_zone), quote_of(notification))
            for notification in found["data"]
        ],
        unread_only=unread_only,
        is_first=cursor is None,
        first_page=str(first_page),
        next_page=str(first_page.update_query(cursor=next_cursor)) if next_cursor else None,
    )


async def open_notification(request: PageRequest) -> web.StreamResponse:
    """Marks a notification as read and redirects to its subject."""
    notification = await request.api.mark_notification(request.path_id("notification_id"))
    return request.redirect(place_of(notification, request.signed_in_person))


async def mark_all_read(request: PageRequest) -> web.StreamResponse:
    """Marks all notifications as read."""
    await request.api.mark_all_read()
    return request.redirect(PATH, "all_read")


PAGES = (
    Page("GET", PATH, show_notifications, Access.SIGNED_IN),
    Page("POST", PATH + "/read-all", mark_all_read, Access.SIGNED_IN),
    Page("POST", PATH + "/{notification_id}/open", open_notification, Access.SIGNED_IN),
)
