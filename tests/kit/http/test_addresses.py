"""Addresses have one form, however a socket or a proxy writes them."""

import pytest

from kit.http.addresses import canonical_address, is_local, network_of, parse_address


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("0:0:0:0:0:ffff:c000:0201", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:8443", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:65535", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:192.0.2.1%3", "192.0.2.1"),
        ("::1", "::1"),
        ("::192.0.2.1", "::c000:201"),
    ],
)
def test_an_address_has_one_form(written: str, meant: str) -> None:
    assert str(parse_address(written)) == canonical_address(written) == meant
    assert canonical_address(meant) == meant


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "192.0.2", "192.0.2.256", "010.0.0.1", "1.2.3.4:", "1.2.3.4:123456", "[1.2",
     "2001:db8::1]:80", "1.2.3.4, 5.6.7.8", "%eth0", "1" * 5000, "::ffff:1.2.3.4:80", "\x00", "１.2.3.4"],
)  # fmt: skip
def test_what_is_no_address_is_left_as_it_is(text: str) -> None:
    assert parse_address(text) is None
    assert canonical_address(text) == network_of(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "[::ffff:c000:201]:1"),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8::1%eth0", "2001:db8::2"),
        ("2002:c000:201:1::1", "2002:c000:201:ffff::1"),
    ],
)
def test_one_network_is_counted_as_one(one: str, other: str) -> None:
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("2002:c000:201::1", "2002:c000:202::1"),
    ],
)
def test_neighbours_are_not(one: str, other: str) -> None:
    assert network_of(one) != network_of(other)


def test_local_is_what_the_internet_does_not_reach_however_it_is_written() -> None:
    local = ("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "172.18.0.1", "::ffff:10.0.0.1", "fd00::1")
    assert all(is_local(text) for text in (*local, "192.168.1.1:80", "fe80::1%eth0"))
    others = ("192.0.2.1", "172.32.0.1", "203.0.113.1", "2001:db8::1", "100.64.0.1", "", "localhost")
    assert not any(is_local(text) for text in others)
