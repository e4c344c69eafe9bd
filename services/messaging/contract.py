"""The public interface of messaging: threads, messages, read marks, notifications, preferences."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from kit.contracts import Event, EventSchema, Rpc
from kit.validation import Id, PageArguments, Party, StrictInteger, Text, Timestamp, path_id, text

SERVICE = "messaging"
MAX_BODY_CHARACTERS = 4000

CATEGORIES: tuple[str, ...] = ("order_updates", "messages", "reviews", "payments")
NOTIFICATION_TYPES: tuple[str, ...] = (
    "order_submitted", "order_approved", "order_declined", "order_withdrawn", "order_expired",
    "work_completed", "changes_requested", "order_completed", "order_cancelled",
    "dispute_opened", "dispute_resolved", "order_reminder",
    "message_posted",
    "review_submitted", "review_replied",
    "payment_due", "payment_paid", "payment_failed", "payment_refunded", "payout_changed",
)  # fmt: skip


class StrictBoolean(fields.Boolean):
    """A JSON boolean: no number, no string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError("Not a valid boolean.")
        return value


class QueryBoolean(StrictBoolean):
    """A boolean of a query string: exactly `true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value == "true" or value == "false":
            return bool(value == "true")
        return super()._deserialize(value, attr, data, **kwargs)


# --- answers ----------------------------------------------------------------------------------


class Message(Schema):
    """One message of an order's thread; `read_at` is when the other party read it."""

    id = Id(required=True)
    order_id = Id(required=True)
    author = fields.Nested(Party, required=True)
    body = Text(required=True)
    created_at = Timestamp(required=True)
    read_at = Timestamp(required=True, allow_none=True)


class ThreadService(Schema):
    """The ordered service as it was called when the order was submitted."""

    id = Id(required=True)
    title = Text(required=True)


class ThreadOrder(Schema):
    """The order a thread belongs to; `status` is its public code."""

    id = Id(required=True)
    number = Text(required=True)
    status = StrictInteger(required=True)
    service = fields.Nested(ThreadService, required=True)


class Thread(Schema):
    """One line of the inbox, as the caller sees it. An order has one thread, so its id names both."""

    order_id = Id(required=True)
    order = fields.Nested(ThreadOrder, required=True)
    other_party = fields.Nested(Party, required=True)
    last_message = fields.Nested(Message, required=True, allow_none=True)
    unread_count = StrictInteger(required=True)
    updated_at = Timestamp(required=True)


class NotificationActor(Schema):
    """Who caused a notification; `id` is null when the marketplace itself did."""

    id = Id(required=True, allow_none=True)
    display_name = Text(required=True)


class Notification(Schema):
    """One notification of one person. `data` is plain text and numbers, never markup."""

    id = Id(required=True)
    type = Text(required=True, validate=validate.OneOf(NOTIFICATION_TYPES))
    order_id = Id(required=True, allow_none=True)
    actor = fields.Nested(NotificationActor, required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    created_at = Timestamp(required=True)
    read_at = Timestamp(required=True, allow_none=True)


class UnreadCount(Schema):
    """How many notifications the caller has not read."""

    count = StrictInteger(required=True)


class Channels(Schema):
    """Where notifications of one category may go."""

    in_app = StrictBoolean(required=True)
    email = StrictBoolean(required=True)


class Preferences(Schema):
    """A person's choice for every category; everything is on until switched off."""

    order_updates = fields.Nested(Channels, required=True)
    messages = fields.Nested(Channels, required=True)
    reviews = fields.Nested(Channels, required=True)
    payments = fields.Nested(Channels, required=True)


# --- HTTP bodies and query strings ------------------------------------------------------------


class MessageBody(Schema):
    """POST /v1/orders/{id}/messages."""

    body = text(1, MAX_BODY_CHARACTERS, required=True)


class MessagesQuery(PageArguments):
    """GET /v1/orders/{id}/messages."""


class MarkMessagesReadBody(Schema):
    """PUT /v1/orders/{id}/messages/read: everything up to and with this message was read."""

    up_to = Id(required=True)


class ThreadsQuery(PageArguments):
    """GET /v1/threads."""


class NotificationsQuery(PageArguments):
    """GET /v1/notifications. `unread=true`: only unread ones; `unread=false`: only read ones."""

    unread = QueryBoolean(load_default=None, allow_none=True)


class MarkNotificationBody(Schema):
    """PATCH /v1/notifications/{id}."""

    read = StrictBoolean(required=True)


class MarkAllReadQuery(Schema):
    """POST /v1/notifications/read_all. With `order_id` only what is about that order."""

    order_id = Id()


class ChannelsBody(Schema):
    """The channels of one category that change; the others stay."""

    in_app = StrictBoolean()
    email = StrictBoolean()


class PreferencesBody(Schema):
    """PATCH /v1/me/notification_preferences: what is left out stays as it is."""

    order_updates = fields.Nested(ChannelsBody)
    messages = fields.Nested(ChannelsBody)
    reviews = fields.Nested(ChannelsBody)
    payments = fields.Nested(ChannelsBody)


# --- arguments: a malformed id in a path is simply the id of nothing, so those are plain text --


class NoArguments(Schema):
    """A method that needs nothing but its caller."""


class ListMessagesArguments(MessagesQuery):
    """`list_messages`."""

    order_id = path_id(required=True)


class PostMessageArguments(MessageBody):
    """`post_message`."""

    order_id = path_id(required=True)


class MarkMessagesReadArguments(MarkMessagesReadBody):
    """`mark_messages_read`."""

    order_id = path_id(required=True)


class MarkNotificationArguments(MarkNotificationBody):
    """`mark_notification`."""

    notification_id = path_id(required=True)


# --- methods ----------------------------------------------------------------------------------

LIST_MESSAGES = Rpc(SERVICE, "list_messages", ListMessagesArguments, Message, paged=True)
POST_MESSAGE = Rpc(SERVICE, "post_message", PostMessageArguments, Message, mutates=True)
MARK_MESSAGES_READ = Rpc(SERVICE, "mark_messages_read", MarkMessagesReadArguments, mutates=True)
LIST_THREADS = Rpc(SERVICE, "list_threads", ThreadsQuery, Thread, paged=True)
LIST_NOTIFICATIONS = Rpc(SERVICE, "list_notifications", NotificationsQuery, Notification, paged=True)
COUNT_UNREAD = Rpc(SERVICE, "count_unread", NoArguments, UnreadCount)
MARK_NOTIFICATION = Rpc(SERVICE, "mark_notification", MarkNotificationArguments, Notification, mutates=True)
MARK_ALL_READ = Rpc(SERVICE, "mark_all_read", MarkAllReadQuery, mutates=True)
GET_PREFERENCES = Rpc(SERVICE, "get_preferences", NoArguments, Preferences)
CHANGE_PREFERENCES = Rpc(SERVICE, "change_preferences", PreferencesBody, Preferences, mutates=True)


# --- events -----------------------------------------------------------------------------------


class MessagePosted(EventSchema):
    """A party wrote; `recipient_ids` are the accounts to tell."""

    message_id = Id(required=True)
    order_id = Id(required=True)
    author = fields.Nested(Party, required=True)
    recipient_ids = fields.List(Id(), required=True)


class NotificationCreated(EventSchema):
    """A person got a notification."""

    notification_id = Id(required=True)
    account_id = Id(required=True)
    type = Text(required=True, validate=validate.OneOf(NOTIFICATION_TYPES))
    order_id = Id(required=True, allow_none=True)


MESSAGE_POSTED = Event(SERVICE, "message_posted", MessagePosted, live=True)
NOTIFICATION_CREATED = Event(SERVICE, "notification_created", NotificationCreated, live=True)
