from collections.abc import Iterator
from typing import Any

import pytest

from chassis.runtime.context import Call
from kit.settings import load
from services.accounts.models import METADATA
from services.accounts.settings import AccountSettings
from tests.accounts.people import People
from tests.support.service_harness import Harness, make_service


@pytest.fixture(scope="session")
def accounts_service() -> Iterator[Harness]:
    """One migrated database for all tests of this folder."""
    with make_service("accounts") as service:
        plain_instance = service.instance

        def instance(call: Call) -> Any:
            made = plain_instance(call)
            # Threads of their own belong to a green process; tests/accounts/test_worker_threads.py has one.
            made.run_in_thread = lambda work, *arguments: work(*arguments)
            return made

        service.instance = instance  # type: ignore[method-assign]
        yield service


@pytest.fixture
def service(accounts_service: Harness) -> Harness:
    """The service with nobody signed up yet."""
    accounts_service.execute(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY")
    accounts_service._overrides.clear()
    return accounts_service


@pytest.fixture
def people(service: Harness) -> People:
    """People of an empty marketplace."""
    return People(service)


@pytest.fixture
def settings(service: Harness) -> AccountSettings:
    """What the service runs with unless a test says otherwise."""
    return load(AccountSettings)
