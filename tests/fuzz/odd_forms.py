"""Forms that no browser sends: with malformed values, fields, bytes or headers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote_plus, urlencode

FORM = "application/x-www-form-urlencoded"
TOO_MANY_BYTES = 70_000
VALUES = (
    "", " ", "\x00", "a\x00b", "\r\nX-Injected: 1", "\x1b[2J", "\x7f", "\x85", "\u200b", "\u202egro",
    "\ufeff", "\u2028", "\U0010ffff", "e\u0301" * 50, "é", "9" * 5_000, "-" + "9" * 400, "-1", "0",
    "1e999", "1_0", "٣", "²", "NaN", "null", "true", "[", "[" * 3_000, '{"a":' * 2_000, "[]", "{}",
    '{"amount": 1e999, "currency": "EUR"}', '{"amount": ' + "9" * 5_000 + ', "currency": "EUR"}',
    '{"amount": true, "currency": "\\ud800"}', "%", "%zz", "%00", "..", "../me", "/", "//x", "?", "#",
    "'", '"', "\\", "<script>", "{{ 7 * 7 }}", "${x}", "%s%n", "a@b", "a@" + "b." * 2_000 + "c",
    "xn--" + "a" * 60, "x" * 4_001, "x" * 30_000, "2026-02-30", "Europe/Nowhere", "en-" * 30,
)  # fmt: skip
WRONG_BYTES = (b"%ff", b"%ed%a0%80", b"%c0%80", b"\xff\xfe", b"%", b"%4", b"%zz", b"\x00", b"\r\n", b"=&=&&;")
TYPES = (
    f"{FORM}; charset=punycode", f"{FORM}; charset=utf-16", f"{FORM}; charset=no-such", f"{FORM};;;=",
    "", "x", "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "text/plain",
    f"{FORM};" * 200,
)  # fmt: skip
ENCODINGS = ("gzip", "deflate", "br", "identity", "nonsense", "gzip, gzip")


@dataclass(frozen=True)
class Sent:
    """One form as bytes, and its headers."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": FORM})


Fields = dict[str, str]
Way = Callable[[Random, Fields], Sent]


def _written(fields: Fields) -> Sent:
    return Sent(urlencode(fields).encode())


def _one_odd_value(random: Random, fields: Fields) -> Sent:
    return _written({**fields, random.choice([*fields]): random.choice(VALUES)})


def _odd_values(random: Random, fields: Fields) -> Sent:
    """All fields except the owner's: a form of another account is refused before the others are read."""
    return _written(
        {name: text if name == "_owner" else random.choice(VALUES) for name, text in fields.items()}
    )


def _a_missing_field(random: Random, fields: Fields) -> Sent:
    left_out = random.choice([*fields])
    return _written({name: text for name, text in fields.items() if name != left_out})


def _a_repeated_field(random: Random, fields: Fields) -> Sent:
    name = random.choice([*fields])
    return Sent(urlencode([*fields.items(), (name, random.choice(VALUES))]).encode())


def _unknown_fields(random: Random, fields: Fields) -> Sent:
    unknown = {random.choice(VALUES) or f"n{number}": "1" for number in range(random.choice((1, 5, 300)))}
    return _written({**unknown, **fields})


def _wrong_bytes(random: Random, fields: Fields) -> Sent:
    body = urlencode(fields).encode()
    at = random.randint(0, len(body))
    return Sent(body[:at] + random.choice(WRONG_BYTES) + body[at:])


def _cut_off(random: Random, fields: Fields) -> Sent:
    body = "&".join(f"{name}={quote_plus(text + 'é')}" for name, text in fields.items()).encode()
    return Sent(body[: random.randint(0, len(body))])


def _another_type(random: Random, fields: Fields) -> Sent:
    body = random.choice((urlencode(fields), json.dumps(fields), "--x\r\n\r\n--x--", "")).encode()
    return Sent(body, {"Content-Type": random.choice(TYPES)})


def _compressed(random: Random, fields: Fields) -> Sent:
    return Sent(
        urlencode(fields).encode(), {"Content-Type": FORM, "Content-Encoding": random.choice(ENCODINGS)}
    )


def _too_long(random: Random, fields: Fields) -> Sent:
    return _written({**fields, random.choice([*fields]): "x" * TOO_MANY_BYTES})


def _nothing(_: Random, __: Fields) -> Sent:
    return Sent(b"")


WAYS: tuple[Way, ...] = (
    _one_odd_value, _odd_values, _a_missing_field, _a_repeated_field, _unknown_fields, _wrong_bytes, _cut_off,
    _another_type, _compressed, _too_long, _nothing,
)  # fmt: skip
WEIGHTS = (8, 4, 2, 1, 1, 2, 1, 1, 1, 1, 1)  # most of the others get no further than the decoder


def odd_form(random: Random, fields: Mapping[str, str]) -> Sent:
    """Returns the form, malformed in one random way."""
    (way,) = random.choices(WAYS, WEIGHTS)
    return way(random, {**fields} or {"x": ""})


def odd_query(random: Random, names: tuple[str, ...]) -> str:
    """Returns a query string, malformed in one way, that fits into a request line."""
    fields = {name: random.choice(VALUES)[:300] for name in random.sample(names, random.randint(1, 3))}
    return urlencode(fields) + random.choice(("", "&%ff=1", "&q=%zz", "&q=%", "&x=1&x=2", "&" * 150))
