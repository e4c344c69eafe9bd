"""Addresses in settings are what they should be, or refused."""

import pytest

from kit.http.urls import alternatives, needs_no_password, password_of, web_origin, with_password

HTTPS = ("https",)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://market.example", "https://market.example"),
        ("https://market.example:8443", "https://market.example:8443"),
        ("HTTPS://Market.Example:443", "https://market.example"),
        ("https://localhost", "https://localhost"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_written_as_browsers_do(written: str, origin: str) -> None:
    assert web_origin(written, HTTPS) == origin


@pytest.mark.parametrize(
    "written",
    [
        "", "https:", "https://", "https:///", "https://:443", "https://host/", "https://host/path",
        "https://host?", "https://host?q=1", "https://host#", "https://host#part", "https://me@host",
        "https://me:word@host", "https://host:0", "https://host:65536", "https://host:port", "https://host:",
        "https://ho st", "https:// ", "https://host\n", "\thttps://host", "https://a..b", "https://-a",
        "https://bücher.example", "https://[::1", "https://[nonsense]", "https://host\\path", "http://host",
        "ftp://host", "//host", "host", "javascript:alert(1)", "https://host,https://other",
    ],
)  # fmt: skip
def test_everything_else_is_no_origin(written: str) -> None:
    with pytest.raises(ValueError):
        web_origin(written, HTTPS)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("amqp://orders:word@broker//", "word"),
        ("amqp://orders:%64emo-orders@broker//", "demo-orders"),
        ("postgresql://orders@db/orders?password=word", "word"),
        ("amqp://orders@broker//", ""),
        ("amqp://orders:@broker//", ""),
        ("amqp://broker//", ""),
    ],
)
def test_a_password_is_found_wherever_it_stands(url: str, password: str) -> None:
    assert password_of(url) == password


@pytest.mark.parametrize("password", ["word", "a@b:c/d?e#f%", "ü"])
def test_a_password_can_come_from_elsewhere_whatever_stands_in_it(password: str) -> None:
    assert password_of(with_password("amqp://orders@broker:5672//", password)) == password
    assert password_of(with_password("amqp://orders:@broker:5672//", password)) == password


@pytest.mark.parametrize("url", ["amqp://orders:own@broker//", "postgresql:///orders", "amqp://broker//"])
def test_an_address_with_a_password_or_without_a_user_stays_as_it_is(url: str) -> None:
    assert with_password(url, "other") == url


def test_several_brokers_are_told_apart() -> None:
    assert alternatives("amqp://a:b@one//;amqp://a:c;d@two//") == ["amqp://a:b@one//", "amqp://a:c;d@two//"]


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("postgresql:///microtasks_{service}?host=/run/postgresql", True),
        ("postgresql://orders@%2Frun%2Fpostgresql/orders", True),
        ("postgresql://orders@db/orders?sslcert=/c&sslkey=/k", True),
        ("postgresql://orders@db/orders?sslcert=/c", False),
        ("postgresql://orders@db/orders", False),
        ("postgresql://orders@db/orders?host=other", False),
        ("postgresql:///orders", True),
    ],
)
def test_a_socket_and_a_certificate_need_no_password(url: str, answer: bool) -> None:
    assert needs_no_password(url) is answer
