"""What can only be seen at a broker of one's own: an alarm, and an account with few rights."""

import base64
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.amqp import topology
from cli.doctor.broker import examine_broker
from cli.doctor.checks import Finding, Result
from kit.settings import Settings
from tests.support import codebase
from tests.support.private_rabbit import RabbitServer

MODEST, WORD = "orders", "a-word"
NOTHING, EVERYTHING = "^$", ".*"


def _account(name: str, word: str, may: str) -> tuple[dict[str, str], dict[str, str]]:
    # RabbitMQ's own format: base64 of a salt of four bytes and the SHA-256 of salt and password.
    salt = b"salt"
    hashed = base64.b64encode(salt + hashlib.sha256(salt + word.encode()).digest()).decode()
    algorithm = "rabbit_password_hashing_sha256"
    user = {"name": name, "password_hash": hashed, "hashing_algorithm": algorithm, "tags": ""}
    rights = {"user": name, "vhost": "/", "configure": may, "write": may, "read": may}
    return user, rights


@pytest.fixture(scope="module")
def short_of_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker that would like more disk than there is, with what `migrate` declares."""
    if not RabbitServer.is_installed():
        missing = "not run: no installed RabbitMQ to run short of disk"
        pytest.fail(missing) if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip(missing)
    rabbit = RabbitServer(tmp_path_factory.mktemp("doctor") / "rabbit")
    users, rights = zip(_account("guest", "guest", EVERYTHING), _account(MODEST, WORD, NOTHING), strict=True)
    definitions = {"vhosts": [{"name": "/"}], "users": users, "permissions": rights}
    _write(rabbit.folder / "definitions.json", json.dumps(definitions))
    with (rabbit.folder / "rabbitmq.conf").open("a") as configuration:
        configuration.write(f"load_definitions = {rabbit.folder / 'definitions.json'}\n")
        configuration.write("disk_free_limit.absolute = 900000GB\n")
    try:
        rabbit.start()
        settings = Settings(amqp_url=rabbit.url)
        topology.declare(settings, codebase.SERVICES, list(codebase.events()))
        yield settings
    finally:
        rabbit.close()


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)


def look(settings: Settings) -> dict[tuple[str, str], Finding]:
    return {(f.subject, f.check): f for f in examine_broker(settings, codebase.SERVICES)}


def test_an_alarm_is_found_and_does_not_hold_the_doctor_up(short_of_disk: Settings) -> None:
    began = time.monotonic()
    found = look(short_of_disk)["broker", "alarms"]
    assert time.monotonic() - began < 15
    assert found.result is Result.FAILED
    assert "takes no messages" in found.found


def test_an_account_that_may_not_declare_still_sees_what_is_there(short_of_disk: Settings) -> None:
    address = short_of_disk.amqp_url.replace("guest:guest@", f"{MODEST}:{WORD}@")
    findings = look(dataclasses.replace(short_of_disk, amqp_url=address))
    assert findings["broker", "exchanges"].result is Result.OK
    for service in codebase.SERVICES:
        assert findings[f"{service} queues", "queues"].result is Result.OK
        assert findings[f"{service} queues", "consumers"].found == f"{service} is not running."
