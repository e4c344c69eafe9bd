"""The face of catalog: categories, services (listings) and their search.

Prices are money in minor units; the formats and limits are those of the public HTTP contract.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from kit.contracts import Event, EventSchema, Rpc
from kit.text import is_blank
from kit.validation import (
    CURRENCIES,
    MAX_AMOUNT_MINOR,
    Id,
    Money,
    PageArguments,
    Party,
    QueryInteger,
    Rating,
    StrictInteger,
    Text,
    Timestamp,
    WrittenText,
    expected_version,
    line,
    path_id,
    search_text,
    text,
)

SORTS = ("-created_at", "relevance", "price", "-price", "-rating")
LONGEST_QUERY = 200
LONGEST_CATEGORY = 100


class Status(StrEnum):
    """The status of a service."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Action(StrEnum):
    """What a provider may do with a service of theirs."""

    EDIT = "edit"
    PUBLISH = "publish"
    PAUSE = "pause"
    RESUME = "resume"
    ARCHIVE = "archive"


STATUSES = tuple(status.value for status in Status)
ACTIONS = tuple(action.value for action in Action)


class Category(Schema):
    """A category; `id` is a stable slug and what `category` holds everywhere."""

    id = Text(required=True)
    name = Text(required=True)


class Service(Schema):
    """A service as everybody sees it; only edits raise `version`.

    `available_actions` is what its provider may do now, whoever reads it, and `orderable` is whether
    others may order it now.
    """

    id = Id(required=True)
    title = Text(required=True)
    description = Text(required=True)
    category = Text(required=True)
    price = fields.Nested(Money, required=True)
    delivery_days = fields.Integer(required=True)
    revisions = fields.Integer(required=True)
    status = Text(required=True, validate=validate.OneOf(STATUSES))
    provider = fields.Nested(Party, required=True)
    rating = fields.Nested(Rating, required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    version = fields.Integer(required=True)
    available_actions = fields.List(Text(validate=validate.OneOf(ACTIONS)), required=True)
    orderable = fields.Boolean(required=True)


class Offer(Schema):
    """What an order must keep of a service, whatever happens to it later.

    A larger `service_version` is newer; answers of earlier releases have none.
    """

    service_id = Id(required=True)
    service_version = fields.Integer(strict=True)
    title = Text(required=True)
    price = fields.Nested(Money, required=True)
    delivery_days = fields.Integer(required=True)
    revisions = fields.Integer(required=True)
    status = Text(required=True, validate=validate.OneOf(STATUSES))
    provider = fields.Nested(Party, required=True)


def _title(**options: Any) -> WrittenText:
    return line(5, 120, **options)


def _description(**options: Any) -> WrittenText:
    return text(20, 5000, **options)


def _category(**options: Any) -> Text:
    return Text(validate=validate.Length(max=LONGEST_CATEGORY), **options)


def _delivery_days(**options: Any) -> StrictInteger:
    return StrictInteger(validate=validate.Range(1, 90), **options)


def _revisions(**options: Any) -> StrictInteger:
    return StrictInteger(validate=validate.Range(0, 10), **options)


class PostServiceBody(Schema):
    """A new service; `status` may ask for a draft."""

    title = _title(required=True)
    description = _description(required=True)
    category = _category(required=True)
    price = fields.Nested(Money, required=True)
    delivery_days = _delivery_days(required=True)
    revisions = _revisions(required=True)
    status = Text(load_default="active", validate=validate.OneOf(("draft", "active")))


class ChangeServiceBody(Schema):
    """The fields to change; the others stay."""

    title = _title()
    description = _description()
    category = _category()
    price = fields.Nested(Money)
    delivery_days = _delivery_days()
    revisions = _revisions()
    status = Text(validate=validate.OneOf(("draft", "active", "paused")))


class ServiceArguments(Schema):
    """One service, named in a path: a malformed id is the id of nothing, so not invalid."""

    service_id = path_id(required=True)


class ExpectedVersion(Schema):
    """The version the caller has seen; None means whichever is current."""

    expected_version = expected_version()


class ChangeServiceArguments(ServiceArguments, ExpectedVersion, ChangeServiceBody):
    """A change of one service."""


class ArchiveServiceArguments(ServiceArguments, ExpectedVersion):
    """The end of one service."""


class ServiceQuery(PageArguments):
    """Filters and order of a search among active services. `min_price` and `max_price` are minor
    units, of whatever currency the service asks when `currency` is not given."""

    q = search_text(LONGEST_QUERY, load_default=None, allow_none=True)
    category = _category(load_default=None, allow_none=True)
    provider_id = Id(load_default=None, allow_none=True)
    min_price = QueryInteger(load_default=None, allow_none=True, validate=validate.Range(0, MAX_AMOUNT_MINOR))
    max_price = QueryInteger(load_default=None, allow_none=True, validate=validate.Range(0, MAX_AMOUNT_MINOR))
    currency = Text(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(CURRENCIES, error="Not a supported currency."),
    )
    min_rating = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 5))
    sort = Text(load_default="-created_at", validate=validate.OneOf(SORTS))

    @validates_schema
    def check_needed_companions(self, loaded: Mapping[str, Any], **_: Any) -> None:
        """Relevance means nothing without words, nor an order of prices across currencies."""
        if loaded["sort"] == "relevance" and is_blank(loaded["q"] or ""):
            raise ValidationError("Sorting by relevance needs q.", "sort")
        if loaded["sort"] in ("price", "-price") and loaded["currency"] is None:
            raise ValidationError("Sorting by price needs currency.", "sort")


class OwnServicesQuery(PageArguments):
    """The caller's own services, newest first."""

    status = Text(load_default=None, allow_none=True, validate=validate.OneOf(STATUSES))


LIST_CATEGORIES = Rpc("catalog", "list_categories", PageArguments, Category, paged=True)
SEARCH_SERVICES = Rpc("catalog", "search_services", ServiceQuery, Service, paged=True)
LIST_OWN_SERVICES = Rpc("catalog", "list_own_services", OwnServicesQuery, Service, paged=True)
GET_SERVICE = Rpc("catalog", "get_service", ServiceArguments, Service)
GET_OFFER = Rpc("catalog", "get_offer", ServiceArguments, Offer, callers=("orders",))
POST_SERVICE = Rpc("catalog", "post_service", PostServiceBody, Service, mutates=True)
CHANGE_SERVICE = Rpc("catalog", "change_service", ChangeServiceArguments, Service, mutates=True)
ARCHIVE_SERVICE = Rpc("catalog", "archive_service", ArchiveServiceArguments, mutates=True)


class ServiceChanged(EventSchema):
    """Something public of a service is different now: its text, status, rating or provider's name.

    Only edits raise `service_version`. `offer` is null for a service that others must not see; events of
    earlier releases have none.
    """

    service_id = Id(required=True)
    provider_id = Id(required=True)
    service_version = fields.Integer(required=True, strict=True)
    offer = fields.Nested(Offer, allow_none=True)


SERVICE_CHANGED = Event("catalog", "service_changed", ServiceChanged, consumers=("orders",), live=True)
