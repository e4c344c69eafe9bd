from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from kit.validation import (
    CURRENCIES,
    Id,
    Money,
    PageArguments,
    StrictInteger,
    Text,
    Timestamp,
    is_id,
    read_rfc3339,
    rfc3339,
    text,
)


class Sample(Schema):
    note = Text()
    title = text(5, 12)
    stars = StrictInteger()
    id = Id()
    at = Timestamp()


@pytest.mark.parametrize("amount", [True, "5", 5.0, 0, -1, 10**12 + 1, None])
def test_an_amount_is_a_strict_integer_in_range(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Money().load({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize("currency", ["eur", "EURO", "XXX", "XAU", "DEM", "", 1, "E\u0000R"])
def test_a_currency_is_a_current_iso_code(currency: Any) -> None:
    with pytest.raises(ValidationError):
        Money().load({"amount": 1, "currency": currency})


def test_the_largest_amount_in_every_currency_is_accepted() -> None:
    for currency in CURRENCIES:
        assert Money().load({"amount": 10**12, "currency": currency})["amount"] == 10**12
    assert {"EUR", "USD", "JPY", "KWD"} <= set(CURRENCIES)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "\udfff"])
def test_text_refuses_nul_and_unpaired_surrogates(bad: str) -> None:
    with pytest.raises(ValidationError):
        Sample().load({"note": bad})


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_all_other_text_that_programs_write_is_kept(typed: str) -> None:
    assert Sample().load({"note": typed}) == {"note": typed}


@pytest.mark.parametrize("bad", ["", "    \n ", "abcd", "a" * 13])
def test_a_required_text_is_neither_blank_nor_out_of_bounds(bad: str) -> None:
    with pytest.raises(ValidationError):
        Sample().load({"title": bad})


@pytest.mark.parametrize("bad", [True, "4", 4.0, None])
def test_a_strict_integer_refuses_everything_else(bad: Any) -> None:
    with pytest.raises(ValidationError):
        Sample().load({"stars": bad})


@pytest.mark.parametrize("bad", ["", "x", "01A20723-C937-7890-84CB-E036C89A067E", "../etc", 5])
def test_an_id_is_a_canonical_uuid(bad: Any) -> None:
    assert not is_id(bad)
    with pytest.raises(ValidationError):
        Sample().load({"id": bad})


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-01-02T01:04:05.000000Z"
    assert Sample().load({"at": "2026-01-02T03:04:05+02:00"}) == {"at": rfc3339(moment)}
    assert rfc3339(datetime(2026, 1, 1, tzinfo=UTC)).endswith("Z")


@pytest.mark.parametrize("bad", ["1_0", " 10", "１０", "1.0", "", "ten", "+1", True, 2.0])
def test_a_number_in_a_query_is_written_in_plain_digits(bad: Any) -> None:
    with pytest.raises(ValidationError):
        PageArguments().load({"limit": bad})
    assert PageArguments().load({"limit": "10"})["limit"] == 10


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_read_as_it_is_written(moment: datetime) -> None:
    assert read_rfc3339(rfc3339(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "x", None, 7, [], "infinity", "2026-11-29", "2026-11-29T10:00:00", "2026-11-29T10:00:00Z",
        "2026-11-29T10:00:00.000000+00:00", "9999-12-31T23:59:59.999999+23:59",
        "0001-01-01T00:00:00.000000+23:59", "20261129T100000.000000Z", "2026-11-29 10:00:00.000000Z",
        "2026-13-29T10:00:00.000000Z", "\u0662026-11-29T10:00:00.000000Z",
    ],
)  # fmt: skip
def test_a_time_in_any_other_form_is_none(text: Any) -> None:
    with pytest.raises(ValueError):
        read_rfc3339(text)
