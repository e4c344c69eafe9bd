"""Marshmallow fields of the public contract. They load to JSON-native values."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import iso4217
from marshmallow import Schema, ValidationError, fields, validate

MAX_AMOUNT_MINOR = 10**12
CURRENCIES: tuple[str, ...] = tuple(sorted(c.code for c in iso4217.Currency if c.exponent is not None))
_DIGITS = re.compile(r"-?[0-9]{1,18}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_id(value: object) -> bool:
    """Whether this can be the id of anything here (a canonical lower-case UUID)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def rfc3339(moment: datetime) -> str:
    """An aware time as the API writes it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Text(fields.String):
    """A string that every store and screen can hold: no NUL, no unpaired surrogate."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("Must not contain NUL or unpaired surrogates.")
        return text


def text(minimum: int, maximum: int, **options: Any) -> Text:
    """A `Text` of `minimum` to `maximum` characters; one that must not be empty must not be blank."""
    checks: list[Any] = [validate.Length(minimum, maximum)]
    if minimum > 0:
        checks.append(validate.Regexp(r"[\s\S]*\S", error="Must not be blank."))
    return Text(validate=checks, **options)


class Id(fields.String):
    """An id, kept as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, uuid.UUID):
            return str(value)
        if not isinstance(value, str) or not is_id(value):
            raise ValidationError("Not a valid id.")
        return value


class Timestamp(fields.String):
    """An RFC 3339 time in UTC, kept as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ValidationError("Not a valid time.") from error
        if moment.tzinfo is None:
            raise ValidationError("A time needs its offset.")
        return rfc3339(moment)


class StrictInteger(fields.Integer):
    """An integer that arrived as one: no boolean, string or float."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)

    def _validated(self, value: Any) -> Any:
        if type(value) is not int:
            raise ValidationError("Not a valid integer.")
        return super()._validated(value)


class QueryInteger(fields.Integer):
    """An integer as a query string writes it: plain digits."""

    def _validated(self, value: Any) -> Any:
        if type(value) is not int and not (isinstance(value, str) and _DIGITS.fullmatch(value)):
            raise ValidationError("Not a valid integer.")
        return super()._validated(value)


class Money(Schema):
    """An amount in minor units of one currency."""

    amount = StrictInteger(required=True, validate=validate.Range(1, MAX_AMOUNT_MINOR))
    currency = Text(required=True, validate=validate.OneOf(CURRENCIES, error="Not a currency in use."))


class Party(Schema):
    """A person as others see them."""

    id = Id(required=True)
    display_name = Text(required=True)


class Rating(Schema):
    """Average of whole stars, null while `count` is 0."""

    average = fields.Float(required=True, allow_none=True)
    count = fields.Integer(required=True)


class PageArguments(Schema):
    """Every list takes these."""

    limit = QueryInteger(load_default=20, validate=validate.Range(1, 100))
    cursor = Text(load_default=None, allow_none=True)
