"""The doctor reports accounts of older releases that share one e-mail address."""

import dataclasses
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, insert

from chassis.storage.database import database_url
from cli.doctor.addresses import MOST_SHOWN
from cli.doctor.checks import Finding, Result
from cli.doctor.databases import examine_database
from kit.settings import Settings
from services import migrations
from services.accounts.models import ACCOUNTS
from tests.support.servers import with_database


@pytest.fixture
def database(servers: Settings) -> Settings:
    """A database of one's own; all of this test process's go at its end."""
    name = f"{servers.broker_prefix}addresses_{uuid4().hex[:6]}"
    settings = dataclasses.replace(servers, database_url=with_database(servers.database_url, name))
    migrations.upgrade("accounts", database_url(settings, "accounts").render_as_string(hide_password=False))
    return settings


@pytest.fixture
def connection(database: Settings) -> Iterator[Connection]:
    engine = create_engine(database_url(database, "accounts"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def look(settings: Settings) -> Finding:
    (found,) = (f for f in examine_database(settings, "accounts") if f.check == "e-mail addresses")
    return found


def add(connection: Connection, *emails: str) -> list[str]:
    ids = [str(uuid4()) for _ in emails]
    rows = [
        {"id": id_, "email": email, "email_normalised": email, "password_hash": "", "display_name": "x"}
        for id_, email in zip(ids, emails, strict=True)
    ]
    connection.execute(insert(ACCOUNTS), rows)
    return ids


def test_addresses_that_differ_have_one_account_each(database: Settings, connection: Connection) -> None:
    assert look(database).result is Result.OK
    add(connection, "a@bücher.example", "b@xn--bcher-kva.example", "ada@example.org", "é@example.org")
    assert look(database).result is Result.OK


def test_accounts_that_share_an_address_are_named(database: Settings, connection: Connection) -> None:
    shared = add(connection, "a@bücher.example", "a@xn--bcher-kva.example")
    also = add(connection, "b@example.org", "b@ｅxample.org")
    other = add(connection, "c@example.org")
    found = look(database)
    assert found.result is Result.WARNING and found.found.startswith("2 with several accounts")
    assert all(id_ in found.found for id_ in shared + also) and other[0] not in found.found
    assert "bücher" not in found.found, "addresses are people's own"


def test_a_long_report_is_cut(database: Settings, connection: Connection) -> None:
    for number in range(MOST_SHOWN + 1):
        add(connection, f"{number}@bücher.example", f"{number}@xn--bcher-kva.example")
    found = look(database).found
    assert found.startswith(f"{MOST_SHOWN + 1} with") and found.count(" and ") == MOST_SHOWN
