"""Marshmallow fields of the public contract. They load to JSON-native values."""

import functools
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import iso4217
from marshmallow import Schema, ValidationError, fields, validate

from kit.text import (
    LONGEST_DECOMPOSITION,
    BadText,
    accept_line,
    accept_search_text,
    accept_text,
    visible_length,
)

MAX_AMOUNT_MINOR = 10**12
MAX_ID_CHARACTERS = 36
MAX_CURSOR_CHARACTERS = 1000  # ours have fewer than 300
MAX_VERSION = 2**31 - 1
MAX_LOCALE_CHARACTERS = 35  # RFC 5646, 4.4.1: room for every language tag that is likely to be used
CURRENCIES: tuple[str, ...] = tuple(sorted(c.code for c in iso4217.Currency if c.exponent is not None))
_DIGITS = re.compile(r"-?[0-9]{1,18}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_id(value: object) -> bool:
    """Whether this is an id: a canonical lower-case UUID."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def rfc3339(moment: datetime) -> str:
    """An aware time as the API writes it: UTC, microseconds, `Z`."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def read_rfc3339(text: Any) -> datetime:
    """A time exactly as `rfc3339` writes it, such as a cursor holds one.

    Raises: ValueError for anything else: other offsets may be ones that PostgreSQL refuses.
    """
    if not isinstance(text, str) or not text.endswith("Z"):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if rfc3339(moment) != text:
        raise ValueError(text)
    return moment


class Text(fields.String):
    """A string that every store and screen can hold: no NUL, no unpaired surrogate.

    For values that programs write, and for answers and events, which hold texts older than the rule.
    What people write is a `line`, a `text` or a `secret`.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _UNSTORABLE.search(text):
            raise ValidationError("Must not contain NUL or unpaired surrogates.")
        return text


class WrittenText(Text):
    """A text that people write, by the rule of `kit/text.py`; its length is checked first."""

    def __init__(self, accept: Callable[[str], str], length: validate.Length, **options: Any) -> None:
        super().__init__(validate=[length, functools.partial(_check_visible, length.min or 0)], **options)
        self._accept, self._length = accept, length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        typed = super()._deserialize(value, attr, data, **kwargs)
        if len(typed) > (self._length.max or 0) * LONGEST_DECOMPOSITION:
            self._length(typed)
        try:
            return self._accept(typed)
        except BadText as error:
            raise ValidationError(str(error)) from error


def line(minimum: int, maximum: int, **options: Any) -> WrittenText:
    """A name, a title or the like: one line of `minimum` to `maximum` characters as stored (NFC), at
    least `minimum` of them visible."""
    return _written(accept_line, minimum, maximum, "One line of text.", options)


def text(minimum: int, maximum: int, **options: Any) -> WrittenText:
    """A text of any number of lines, counted as a `line` is; one that must not be empty must not be
    blank."""
    return _written(accept_text, minimum, maximum, "Text of any number of lines.", options)


def search_text(maximum: int, **options: Any) -> WrittenText:
    """A search text of up to `maximum` characters; nothing in it is refused but NUL."""
    return _written(accept_search_text, 0, maximum, "Words in any order.", options)


def secret(minimum: int, maximum: int, **options: Any) -> Text:
    """A password or token, exactly as typed, of `minimum` to `maximum` characters, not only spaces."""
    return Text(validate=[validate.Length(minimum, maximum), _check_filled], **options)


def _written(
    accept: Callable[[str], str], minimum: int, maximum: int, meaning: str, options: dict[str, Any]
) -> WrittenText:
    metadata = {"description": meaning, **options.pop("metadata", {})}
    return WrittenText(accept, validate.Length(minimum, maximum), metadata=metadata, **options)


def _check_visible(minimum: int, text: str) -> None:
    seen = visible_length(text) if minimum else 0
    if seen < minimum:
        few = f"Must have at least {minimum} characters that can be seen."
        raise ValidationError(few if seen else "Must not be blank.")


def _check_filled(text: str) -> None:
    if not text.strip():
        raise ValidationError("Must not be blank.")


class Id(fields.String):
    """An id, kept as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, uuid.UUID):
            return str(value)
        if not isinstance(value, str) or not is_id(value):
            raise ValidationError("Not a valid id.")
        return value


def path_id(**options: Any) -> Text:
    """An id as a path names it: a malformed one is the id of nothing, so not invalid."""
    return Text(validate=validate.Length(max=MAX_ID_CHARACTERS), **options)


class Timestamp(fields.String):
    """An RFC 3339 time in UTC, kept as a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            moment = datetime.fromisoformat(value)
            in_utc = rfc3339(moment)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValidationError("Not a valid time.") from error
        if moment.tzinfo is None:
            raise ValidationError("A time needs its offset.")
        return in_utc


class StrictInteger(fields.Integer):
    """An integer that is a JSON integer: no boolean, string or float."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(value, attr, data, **kwargs)


def expected_version() -> StrictInteger:
    """The version of a resource that the caller has seen; None means the current one."""
    return StrictInteger(load_default=None, allow_none=True, validate=validate.Range(0, MAX_VERSION))


class QueryInteger(fields.Integer):
    """An integer in a query string: digits with an optional sign."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not int and not (isinstance(value, str) and _DIGITS.fullmatch(value)):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(value, attr, data, **kwargs)


class Money(Schema):
    """An amount in minor units of one currency."""

    amount = StrictInteger(required=True, validate=validate.Range(1, MAX_AMOUNT_MINOR))
    currency = Text(required=True, validate=validate.OneOf(CURRENCIES, error="Not a supported currency."))


class Party(Schema):
    """A person as others see them."""

    id = Id(required=True)
    display_name = Text(required=True)


class Rating(Schema):
    """Average of whole stars, null while `count` is 0."""

    average = fields.Float(required=True, allow_none=True)
    count = fields.Integer(required=True)


class PageArguments(Schema):
    """The arguments of every list."""

    limit = QueryInteger(load_default=20, validate=validate.Range(1, 100))
    cursor = Text(load_default=None, allow_none=True, validate=validate.Length(max=MAX_CURSOR_CHARACTERS))
